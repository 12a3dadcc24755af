# sijang_generate_records(<target> <folder> <output>): adds the C code of <folder>/*.avsc,
# made at build time as <output>.h and .c (a path in the build tree, without ending). The target is
# one of the same CMakeLists.txt; a context of schemas/ goes by its name. For lib/log:
#   sijang_generate_records(log ${CMAKE_CURRENT_SOURCE_DIR}/platform
#                           ${PROJECT_BINARY_DIR}/lib/log/platform/records)
# with include(${PROJECT_SOURCE_DIR}/schemas/generate.cmake) before. ROOT <folder>: of another tree
# than this repository, with schemas/contexts.def and schemas/released of its own.
include_guard(GLOBAL)

set(SIJANG_SCHEMAS ${PROJECT_SOURCE_DIR}/schemas CACHE INTERNAL "")

function(sijang_schema_inputs variable)
  file(GLOB inputs CONFIGURE_DEPENDS ${SIJANG_SCHEMAS}/generator/*.py ${SIJANG_SCHEMAS}/released/*)
  set(${variable} ${SIJANG_SCHEMAS}/generate.py ${inputs} PARENT_SCOPE)
endfunction()

function(sijang_generate_records target folder output)
  cmake_parse_arguments(RECORDS "" "ROOT" "" ${ARGN})
  if(NOT RECORDS_ROOT)
    set(RECORDS_ROOT ${PROJECT_SOURCE_DIR})
  endif()
  if(NOT IS_ABSOLUTE ${folder})
    set(folder ${SIJANG_SCHEMAS}/${folder})
  endif()
  file(GLOB schemas CONFIGURE_DEPENDS ${folder}/*.avsc)
  sijang_schema_inputs(inputs)
  file(GLOB released CONFIGURE_DEPENDS ${RECORDS_ROOT}/schemas/released/*)
  # The folder itself: its time changes when a schema is removed.
  add_custom_command(
    OUTPUT ${output}.h ${output}.c
    COMMAND ${Python3_EXECUTABLE} ${SIJANG_SCHEMAS}/generate.py --root ${RECORDS_ROOT}
            records ${folder} ${output}
    DEPENDS ${folder} ${schemas} ${released} ${inputs}
    VERBATIM)
  target_sources(${target} PRIVATE ${output}.c ${output}.h)
endfunction()
