# What the house promises of itself: its rules, headers that stand alone, hardened binaries.
add_test(NAME "house: the rules of the house hold"
  COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/house/check_house.py
          ${PROJECT_SOURCE_DIR})
set_tests_properties("house: the rules of the house hold" PROPERTIES LABELS house TIMEOUT 60)

set(program "")
if(TARGET weir)
  set(program --program=$<TARGET_FILE:weir>)
endif()
add_test(NAME "house: binaries are hardened"
  COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/house/check_hardening.py
          --sanitize=${WEIR_SANITIZE} --build=${PROJECT_BINARY_DIR}
          --library=$<TARGET_FILE:weir_core> ${program})
set_tests_properties("house: binaries are hardened" PROPERTIES
  LABELS house TIMEOUT 60 SKIP_RETURN_CODE 77)

add_test(NAME "house: links in the documents resolve"
  COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/house/check_docs.py
          ${PROJECT_SOURCE_DIR})
set_tests_properties("house: links in the documents resolve" PROPERTIES LABELS house TIMEOUT 60)

# Every public header compiles when it is the only one included, by gcc and by clang.
if(WEIR_SANITIZE AND NOT WEIR_FUZZ)
  return()
endif()
file(GLOB headers CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/core/include/weir/*.hpp
  ${PROJECT_SOURCE_DIR}/core/testing/include/weir/*.hpp
  ${PROJECT_SOURCE_DIR}/core/testing/include/weir/*/*.hpp
  ${PROJECT_SOURCE_DIR}/protocols/*.hpp
  ${PROJECT_SOURCE_DIR}/protocols/*/*.hpp)
set(sources "")
foreach(header ${headers})
  string(REGEX REPLACE "^${PROJECT_SOURCE_DIR}/(core/(testing/)?include/)?" "" name ${header})
  string(MAKE_C_IDENTIFIER ${name} id)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/headers/${id}.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT "#include <${name}>\n")
  list(APPEND sources ${source})
endforeach()
add_library(weir_headers OBJECT ${sources})
weir_house(weir_headers)
target_link_libraries(weir_headers PRIVATE weir::protocols weir::testing)
