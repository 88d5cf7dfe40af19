// A comparison for people, and for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "compare.hpp"

namespace weir::load {

// Lines of text: the two runs, in what they differ, then a row for each figure. Outside text is escaped.
std::string table(const Comparison& comparison);

// The same, with `worse` naming the figures that worse_by(comparison, share) finds.
nlohmann::ordered_json to_json(const Comparison& comparison, double share);

// "p99 of B is 1.234 [1.15, 1.32] times that of A"
std::string sentence(const Figure& figure);

}  // namespace weir::load
