# The program and real clients: each script is one test and finds the program by $WEIR.
if(NOT TARGET weir)
  return()
endif()

function(weir_script_tests folder label timeout)
  file(GLOB scripts CONFIGURE_DEPENDS ${folder}/test_*.py)
  foreach(script ${scripts})
    get_filename_component(name ${script} NAME_WE)
    string(REGEX REPLACE "^test_" "" name ${name})
    add_test(NAME "${label}: ${name}" COMMAND ${Python3_EXECUTABLE} ${script})
    set_tests_properties("${label}: ${name}" PROPERTIES
      LABELS ${label}
      TIMEOUT ${timeout}
      ENVIRONMENT "WEIR=$<TARGET_FILE:weir>;WEIR_SANITIZE=${WEIR_SANITIZE};WEIR_PORTABLE=${WEIR_PORTABLE};PYTHONDONTWRITEBYTECODE=1"
      SKIP_RETURN_CODE 77)
  endforeach()
endfunction()

weir_script_tests(clients clients 300)

# Makes the pages that a browser then looks at.
add_executable(html_report_sample clients/html_report_sample.cpp)
weir_house(html_report_sample)
target_link_libraries(html_report_sample PRIVATE weir::load)
set_property(TEST "clients: html_report" APPEND PROPERTY
  ENVIRONMENT "HTML_REPORT_SAMPLE=$<TARGET_FILE:html_report_sample>")
if(WEIR_ABUSE)
  weir_script_tests(abuse abuse 1800)
endif()

add_test(NAME "house: what ./dev run serves answers and ends"
  COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/house/check_serve.py
          ${PROJECT_SOURCE_DIR}/examples/serve.sh $<TARGET_FILE:weir>)
set_tests_properties("house: what ./dev run serves answers and ends" PROPERTIES
  LABELS house TIMEOUT 120)
