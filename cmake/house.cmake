# What every target of the house is built with: the language, warnings, sanitizers, hardening.

include(CheckCXXCompilerFlag)
include(CheckCXXSourceCompiles)
include(CheckPIESupported)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
check_pie_supported(LANGUAGES CXX)

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_BUILD_RPATH_USE_ORIGIN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
# -O1 makes the suite several times faster than -O0, stays debuggable, and is what lets
# _FORTIFY_SOURCE work, so that the everyday build is hardened as the shipped one is.
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g")

find_program(WEIR_CCACHE ccache)
if(WEIR_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Without this ccache would refuse every file that uses a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${WEIR_CCACHE})
endif()

set(weir_warnings -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
if(WEIR_WERROR)
  list(APPEND weir_warnings -Werror)
endif()

set(weir_compile "")
set(weir_define _GLIBCXX_ASSERTIONS)
set(weir_link -Wl,--as-needed -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection)
  string(MAKE_C_IDENTIFIER "WEIR_HAS${flag}" known)
  check_cxx_compiler_flag(${flag} ${known})
  if(${known})
    list(APPEND weir_compile ${flag})
  endif()
endforeach()

# Level 3 needs GCC 12 or clang 9 and glibc 2.34; the C library tells whether it will be honoured.
# Some distributions define it already: theirs stands. Sanitizers bring their own checks.
set(CMAKE_REQUIRED_FLAGS "-O2")
check_cxx_source_compiles("
#ifdef _FORTIFY_SOURCE
#error defined by the compiler already
#endif
int main() {}" WEIR_FORTIFY_UNSET)
set(CMAKE_REQUIRED_FLAGS "-O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
check_cxx_source_compiles("
#include <cstdio>
#if !defined(__USE_FORTIFY_LEVEL) || __USE_FORTIFY_LEVEL < 3
#error not honoured
#endif
int main() {}" WEIR_FORTIFY_3)
unset(CMAKE_REQUIRED_FLAGS)
if(WEIR_FORTIFY_UNSET AND NOT WEIR_SANITIZE)
  list(APPEND weir_define _FORTIFY_SOURCE=$<IF:$<BOOL:${WEIR_FORTIFY_3}>,3,2>)
endif()

if(WEIR_SANITIZE)
  list(APPEND weir_compile -fsanitize=${WEIR_SANITIZE} -fno-omit-frame-pointer)
  list(APPEND weir_link -fsanitize=${WEIR_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    list(APPEND weir_warnings -Wno-maybe-uninitialized)  # False alarms in instrumented code.
  endif()
  if(WEIR_SANITIZE MATCHES "undefined")
    # The check of virtual tables wants the type information of private classes from other binaries
    # (the test kit links some), and hidden symbols do not give it.
    list(APPEND weir_compile -fno-sanitize-recover=undefined -fno-sanitize=vptr)
  endif()
endif()
if(WEIR_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "WEIR_FUZZ needs clang: configure with the preset 'fuzz'.")
  endif()
  list(APPEND weir_compile -fsanitize=fuzzer-no-link)
endif()

# Applies all of the above to a target of ours. PRIVATE: who links us keeps their own flags.
function(weir_house target)
  target_compile_options(${target} PRIVATE ${weir_warnings} ${weir_compile})
  target_compile_definitions(${target} PRIVATE ${weir_define})
  target_link_options(${target} PRIVATE ${weir_link})
endfunction()

# Precompiles headers that are not ours and cost seconds per file.
function(weir_precompile target)
  if(NOT WEIR_PCH)
    return()
  endif()
  target_precompile_headers(${target} PRIVATE ${ARGN})
  # So that ccache sees the same input again.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -fpch-preprocess)
  else()
    target_compile_options(${target} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
endfunction()

# CMake refuses a target without any source; a folder that has none yet gets an empty one.
function(weir_sources out)
  file(GLOB sources CONFIGURE_DEPENDS ${ARGN})
  if(NOT sources)
    set(sources ${PROJECT_BINARY_DIR}/empty.cpp)
    if(NOT EXISTS ${sources})
      file(WRITE ${sources} "// Stands in for a folder without sources.\n")
    endif()
  endif()
  set(${out} ${sources} PARENT_SCOPE)
endfunction()
