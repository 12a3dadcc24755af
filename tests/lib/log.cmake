add_library(sim_broker STATIC ${PROJECT_SOURCE_DIR}/tests/support/sim_broker.c
                              ${PROJECT_SOURCE_DIR}/tests/support/sim_fate.c
                              ${PROJECT_SOURCE_DIR}/tests/support/sim_port.c
                              ${PROJECT_SOURCE_DIR}/tests/support/sim_group.c
                              ${PROJECT_SOURCE_DIR}/tests/support/sim_records.c)
target_link_libraries(sim_broker PUBLIC log core)

sijang_test(log_partition_test SOURCES log_partition_test.c LIBRARIES log core)
sijang_test(log_position_test SOURCES log_position_test.c LIBRARIES log core)
sijang_test(log_fence_test SOURCES log_fence_test.c LIBRARIES log core)
sijang_test(log_envelope_test SOURCES log_envelope_test.c LIBRARIES log core)
sijang_test(log_public_record_test SOURCES log_public_record_test.c LIBRARIES log core)
sijang_test(log_writer_test SOURCES log_writer_test.c log_owner.c LIBRARIES sim_broker log core)
sijang_test(log_settling_test SOURCES log_settling_test.c log_owner.c LIBRARIES sim_broker log core)
sijang_test(log_platform_test SOURCES log_platform_test.c log_owner.c LIBRARIES sim_broker log core)
sijang_test(log_reader_test SOURCES log_reader_test.c log_owner.c LIBRARIES sim_broker log core)
sijang_test(log_inspector_test SOURCES log_inspector_test.c log_owner.c
            LIBRARIES sim_broker log core)
sijang_test(log_chance_test SOURCES log_chance_test.c LIBRARIES sim_broker log core)
sijang_test(log_owners_test SOURCES log_owners_test.c LIBRARIES sim_broker log core)
sijang_test(log_hosts_test SOURCES log_hosts_test.c LIBRARIES sim_broker log core)
sijang_test(log_membership_test SOURCES log_membership_test.c LIBRARIES sim_broker log core)

pkg_check_modules(RDKAFKA REQUIRED IMPORTED_TARGET rdkafka)
add_library(log_foreigner STATIC ${PROJECT_SOURCE_DIR}/tests/support/log_foreigner.c)
target_link_libraries(log_foreigner PRIVATE log core PkgConfig::RDKAFKA)

# Against the broker in SIJANG_TEST_KAFKA; shown as skipped without one.
sijang_test(log_kafka_test SOURCES log_kafka_test.c LIBRARIES log_foreigner log core LABELS system)
set_tests_properties(log_kafka_test PROPERTIES SKIP_RETURN_CODE 77)
