pkg_check_modules(AVRO REQUIRED IMPORTED_TARGET avro-c)

sijang_test(record_oracle_test SOURCES record_oracle_test.c record_sample.c
            LIBRARIES record core PkgConfig::AVRO)
