sijang_test(catalog_views_test
  SOURCES product_views_test.c ${PROJECT_SOURCE_DIR}/tests/support/view_scenario.c
  LIBRARIES projector_rooms)
sijang_test(catalog_view_digests_test SOURCES view_digests_test.c LIBRARIES projector_rooms)
target_compile_definitions(catalog_view_digests_test PRIVATE
  RECORDED_EVENTS="${CMAKE_CURRENT_SOURCE_DIR}/recorded_events.txt")
