// Running a server in the foreground: what `weir serve` and `weir run` have in common.
#pragma once

#include <span>

#include <weir/server.hpp>

#include "exit_codes.hpp"

namespace weir::program {

// Serves until it is stopped. Prints a line for each bound socket once all of them accept.
Exit serve_all(ServerOptions options, std::span<const ServiceType> types,
               std::span<const Listen> services);

}  // namespace weir::program
