set(index_support ${CMAKE_CURRENT_LIST_DIR}/index/index_room.c)
foreach(part commits durability model)
  sijang_test(index_${part}_test
    SOURCES ${CMAKE_CURRENT_LIST_DIR}/index/${part}_test.c ${index_support}
    LIBRARIES index core)
endforeach()
