# tests/fuzz/NAME.cpp (or fuzz_NAME.cpp) is the target fuzz_NAME, its corpus tests/fuzz/corpus/NAME.
# Under the preset `fuzz` it runs on libFuzzer; in every other build a small driver feeds it the
# corpus, as an ordinary test.
file(GLOB sources CONFIGURE_DEPENDS fuzz/*.cpp)
foreach(source ${sources})
  get_filename_component(name ${source} NAME_WE)
  string(REGEX REPLACE "^fuzz_" "" name ${name})
  set(corpus ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${name})

  add_executable(fuzz_${name} ${source})
  weir_house(fuzz_${name})
  target_include_directories(fuzz_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(fuzz_${name} PRIVATE weir::protocols weir::testing weir::core)
  if(name STREQUAL toml)
    target_link_libraries(fuzz_${name} PRIVATE weir::program)
  endif()
  if(WEIR_FUZZ)
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    set(run -runs=0)
  else()
    target_sources(fuzz_${name} PRIVATE fuzz/driver/main.cpp)
    set(run "")
  endif()

  add_test(NAME "fuzz: the corpus of ${name}" COMMAND fuzz_${name} ${run} ${corpus})
  set_tests_properties("fuzz: the corpus of ${name}" PROPERTIES LABELS fuzz TIMEOUT 120)
endforeach()
