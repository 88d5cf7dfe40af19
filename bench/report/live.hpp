// A line on the terminal that follows a run.
#pragma once

#include <bench/load/conductor.hpp>

#include "paint.hpp"

namespace weir::load {

// Without a line feed, to stand in place of the one before.
std::string live_line(const Progress& progress, const Paint& paint);

}  // namespace weir::load
