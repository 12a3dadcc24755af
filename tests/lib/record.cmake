pkg_check_modules(AVRO REQUIRED IMPORTED_TARGET avro-c)

foreach(part avro hostile json plain)
  sijang_test(record_${part}_test SOURCES record_${part}_test.c record_sample.c
              LIBRARIES record core)
endforeach()
sijang_test(record_oracle_test SOURCES record_oracle_test.c record_sample.c
            LIBRARIES record core PkgConfig::AVRO)

# Without conftest.py and its servers: the generator needs none.
add_test(NAME schemas_generate_test
         COMMAND ${Python3_EXECUTABLE} -m pytest -q -p no:cacheprovider -c /dev/null --noconftest
                 --rootdir ${PROJECT_SOURCE_DIR}/tests/schemas ${PROJECT_SOURCE_DIR}/tests/schemas)
