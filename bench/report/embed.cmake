# Texts that a program carries with it.
#
# weir_embed(OUTPUT FUNCTION FILE...) makes OUTPUT, a C++ file, from the files at build time. It defines
# the FUNCTION that page_parts.hpp declares: the texts by the names of their files.
#
# The same file is the script that does it: cmake -DOUTPUT=... -DFUNCTION=... -DFILES=... -P embed.cmake

# A compiler may refuse a string literal of more than 16,380 bytes, and joined ones of more than 65,536:
# a text is an array of shorter ones.
set(weir_piece_max 12000)
set(weir_quote "weir-text")

function(weir_embed output function)
  list(JOIN ARGN "," files)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${output} -DFUNCTION=${function} -DFILES=${files}
            -P ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
    DEPENDS ${ARGN} ${CMAKE_CURRENT_FUNCTION_LIST_FILE}
    VERBATIM)
endfunction()

# The elements of an array: the file's text in raw string literals.
function(weir_pieces out file)
  file(READ ${file} text)
  # What is not ASCII might be cut in the middle of a character.
  if(text MATCHES "[^ -~\t\n]")
    message(FATAL_ERROR "${file}: has a character that is not printable ASCII; write it as an escape")
  endif()
  string(FIND "${text}" ")${weir_quote}\"" ends)
  if(NOT ends EQUAL -1)
    message(FATAL_ERROR "${file}: holds )${weir_quote}\", which ends a raw string literal")
  endif()
  set(pieces "")
  string(LENGTH "${text}" left)
  set(from 0)
  while(left GREATER 0)
    string(SUBSTRING "${text}" ${from} ${weir_piece_max} piece)
    string(APPEND pieces "    R\"${weir_quote}(${piece})${weir_quote}\",\n")
    math(EXPR from "${from} + ${weir_piece_max}")
    math(EXPR left "${left} - ${weir_piece_max}")
  endwhile()
  set(${out} "${pieces}" PARENT_SCOPE)
endfunction()

if(NOT CMAKE_SCRIPT_MODE_FILE OR NOT CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  return()
endif()

string(REPLACE "," ";" files "${FILES}")
set(arrays "")
set(parts "")
foreach(file ${files})
  get_filename_component(name ${file} NAME)
  string(MAKE_C_IDENTIFIER ${name} id)
  weir_pieces(pieces ${file})
  string(APPEND arrays "constexpr std::string_view k_${id}[] = {\n${pieces}};\n\n")
  string(APPEND parts "    {\"${name}\", k_${id}},\n")
endforeach()
file(WRITE ${OUTPUT} "// Made by embed.cmake.
#include <bench/report/page_parts.hpp>

namespace weir::load {
namespace {

${arrays}constexpr PagePart kParts[] = {
${parts}};

}  // namespace

std::span<const PagePart> ${FUNCTION}() { return kParts; }

}  // namespace weir::load
")
