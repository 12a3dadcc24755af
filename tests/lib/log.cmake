add_library(sim_broker STATIC ${PROJECT_SOURCE_DIR}/tests/support/sim_broker.c
                              ${PROJECT_SOURCE_DIR}/tests/support/sim_records.c)
target_link_libraries(sim_broker PUBLIC log core)

sijang_test(log_partition_test SOURCES log_partition_test.c LIBRARIES log core)
sijang_test(log_position_test SOURCES log_position_test.c LIBRARIES log core)
sijang_test(log_fence_test SOURCES log_fence_test.c LIBRARIES log core)
sijang_test(log_envelope_test SOURCES log_envelope_test.c LIBRARIES log core)
sijang_test(log_writer_test SOURCES log_writer_test.c log_owner.c LIBRARIES sim_broker log core)
sijang_test(log_settling_test SOURCES log_settling_test.c log_owner.c LIBRARIES sim_broker log core)
