// The report of weir bench as a page: one file that needs no network.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>

namespace weir::load {

// The page for one result (docs/bench-result.schema.json), or for two that are laid over each other: the
// first is A, the second B. The results are embedded whole and drawn by a script of the page's own; what
// is missing in them, or of another type, is shown as missing. They may come from anybody: their text can
// neither become markup nor run. What is not UTF-8 in them becomes U+FFFD. Throws std::invalid_argument
// for any other number of results.
std::string html_report(std::span<const nlohmann::ordered_json> results);

}  // namespace weir::load
