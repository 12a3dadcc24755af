sijang_test(catalog_commands_test
  SOURCES product_commands_test.c ${PROJECT_SOURCE_DIR}/tests/support/scenario.c
  LIBRARIES command_rooms)
