# The generator as a program: exit codes, the line it prints, a real server and a real forwarder.
if(TARGET weir)
  add_test(NAME "bench: the generator as a program"
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/bench/check_load.py
            $<TARGET_FILE:weir>)
  set_tests_properties("bench: the generator as a program" PROPERTIES LABELS clients TIMEOUT 300)
endif()

# The suite, with results that are made up.
function(weir_suite_test name script)
  add_test(NAME "bench: ${name}"
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/bench/${script}
            ${PROJECT_SOURCE_DIR}/bench/suite)
  set_tests_properties("bench: ${name}" PROPERTIES LABELS house TIMEOUT 60)
endfunction()
weir_suite_test("a figure is better, same, worse, or nobody can tell" check_against.py)
weir_suite_test("the command line, the files and the table of a sitting" check_sittings.py)
