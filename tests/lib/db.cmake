# A real Postgres from SIJANG_TEST_DATABASE (a libpq connection string); skipped without it.
foreach(part connection pipeline)
  sijang_test(db_${part}_test SOURCES db_${part}_test.c db_server.c LIBRARIES db LABELS system)
  set_tests_properties(db_${part}_test PROPERTIES SKIP_RETURN_CODE 77)
endforeach()
