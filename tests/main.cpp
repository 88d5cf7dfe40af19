// Catch's own body and its main. Built without optimisation and sanitizers: it is not what is
// tested, and with them it alone would take minutes.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
