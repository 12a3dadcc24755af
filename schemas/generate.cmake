# sijang_generate_records(<target> <folder> <output>): adds to <target> the C code of <folder>/*.avsc,
# written to <output>.h and <output>.c at build time; <output> without ending, in the build tree.
# The target must be made in the same CMakeLists.txt. For lib/log:
#   include(${PROJECT_SOURCE_DIR}/schemas/generate.cmake)
#   sijang_generate_records(log ${CMAKE_CURRENT_SOURCE_DIR}/platform
#                           ${PROJECT_BINARY_DIR}/lib/log/platform/records)
# after add_library(log ...); then #include "lib/log/platform/records.h". A
# context of schemas/ goes by its name: sijang_generate_records(schemas catalog <output>).
include_guard(GLOBAL)

set(SIJANG_SCHEMAS ${PROJECT_SOURCE_DIR}/schemas CACHE INTERNAL "")

function(sijang_schema_inputs variable)
  file(GLOB inputs CONFIGURE_DEPENDS ${SIJANG_SCHEMAS}/generator/*.py ${SIJANG_SCHEMAS}/released/*)
  set(${variable} ${SIJANG_SCHEMAS}/generate.py ${inputs} PARENT_SCOPE)
endfunction()

function(sijang_generate_records target folder output)
  if(NOT IS_ABSOLUTE ${folder})
    set(folder ${SIJANG_SCHEMAS}/${folder})
  endif()
  file(GLOB schemas CONFIGURE_DEPENDS ${folder}/*.avsc)
  sijang_schema_inputs(inputs)
  # The folder itself: its time changes when a schema is removed.
  add_custom_command(
    OUTPUT ${output}.h ${output}.c
    COMMAND ${Python3_EXECUTABLE} ${SIJANG_SCHEMAS}/generate.py records ${folder} ${output}
    DEPENDS ${folder} ${schemas} ${inputs}
    VERBATIM)
  target_sources(${target} PRIVATE ${output}.c ${output}.h)
endfunction()
