// The result as one line of JSON.
#pragma once

#include <string>

#include "run.hpp"

namespace weir::load {

std::string report(const Run& run, const Plan& plan);

}  // namespace weir::load
