// weir bench compare A.json B.json [--json] [--worse 10%]
#pragma once

#include "command_line.hpp"

namespace weir::program {

// Adds `compare` to the grammar of `bench`.
Command add_bench_compare(CLI::App& bench);

}  // namespace weir::program
