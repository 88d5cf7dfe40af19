// weir bench ab
#pragma once

#include <nlohmann/json.hpp>

#include "command_line.hpp"

namespace weir::program {

Command add_bench_ab(CLI::App& bench);

}  // namespace weir::program
