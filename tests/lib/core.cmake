foreach(part arena buffer clock config error id logger metrics shutdown text trace)
  sijang_test(core_${part}_test SOURCES core_${part}_test.c LIBRARIES core)
endforeach()
