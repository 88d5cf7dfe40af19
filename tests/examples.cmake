# What the documents show is built, tested and tried as a reader would.
add_test(NAME "house: code in the documents is in the files it names"
  COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/house/check_docs_code.py
          ${PROJECT_SOURCE_DIR})
set_tests_properties("house: code in the documents is in the files it names" PROPERTIES
  LABELS house TIMEOUT 60)

add_subdirectory(${PROJECT_SOURCE_DIR}/examples/handler ${PROJECT_BINARY_DIR}/examples/handler)
foreach(target greet_protocol greet greet_tests)
  weir_house(${target})  # Our warnings, and the sanitizers that the library was built with.
endforeach()

add_subdirectory(${PROJECT_SOURCE_DIR}/examples/starttls ${PROJECT_BINARY_DIR}/examples/starttls)
foreach(target starttls_protocol starttls starttls_tests)
  weir_house(${target})
endforeach()

add_test(NAME "house: the server that changes to TLS answers openssl and nobody in clear"
  COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/house/check_starttls.py
          $<TARGET_FILE:starttls> ${PROJECT_SOURCE_DIR}/examples/certs.sh)
set_tests_properties("house: the server that changes to TLS answers openssl and nobody in clear"
  PROPERTIES LABELS house TIMEOUT 60)

add_test(NAME "house: the server of the tutorial answers and ends"
  COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/house/check_example.py
          $<TARGET_FILE:greet>)
set_tests_properties("house: the server of the tutorial answers and ends" PROPERTIES
  LABELS house TIMEOUT 60)

add_test(NAME "house: certificates for trying are made, kept and made again"
  COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/house/check_certs.py
          ${PROJECT_SOURCE_DIR}/examples/certs.sh)
set_tests_properties("house: certificates for trying are made, kept and made again" PROPERTIES
  LABELS house TIMEOUT 60)
