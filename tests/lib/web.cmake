pkg_check_modules(JWT REQUIRED IMPORTED_TARGET libjwt)

foreach(part problem router server local_socket suspend probes exchange)
  sijang_test(web_${part}_test SOURCES web_${part}_test.c web_client.c LIBRARIES web)
endforeach()
sijang_test(web_auth_test SOURCES web_auth_test.c web_client.c LIBRARIES web PkgConfig::JWT)
