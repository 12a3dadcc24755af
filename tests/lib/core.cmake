foreach(part arena backoff base64 buffer clock config error hex id logger metrics
             shutdown text trace)
  sijang_test(core_${part}_test SOURCES core_${part}_test.c LIBRARIES core)
endforeach()
