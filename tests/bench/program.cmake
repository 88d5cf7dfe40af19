# The generator as a program: exit codes, the line it prints, a real server and a real forwarder.
if(TARGET weir)
  add_test(NAME "bench: the generator as a program"
    COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/bench/check_load.py
            $<TARGET_FILE:weir> $<TARGET_FILE:weir_load_program>)
  set_tests_properties("bench: the generator as a program" PROPERTIES LABELS clients TIMEOUT 300)
endif()
