// A bound that a figure of a run has to keep: "p99<5ms".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "outcome.hpp"

namespace weir::load {

struct Threshold {
  enum class Figure : std::uint8_t { p50, p90, p99, p999, most, rate, errors, cpu };

  std::string text;
  Figure figure = Figure::p99;
  bool below = true;      // The figure has to be, or above,
  bool or_equal = false;  // or the same.
  double bound = 0;       // Times in ns.
  std::string unit;       // As written; of times.
};

// FIGURE OP BOUND: p50, p90, p99, p99.9, max or cpu (of the server for a message) with a time such as 5ms or
// 300us, rate or errors with a number; <, <=, > or >=. Throws SetupError with one sentence.
Threshold read_threshold(std::string_view text);

// The figure, in the unit of the bound; nothing where there is none.
std::optional<double> figure_of(const Threshold& threshold, const Outcome& outcome);
// A figure that there is not does not hold.
bool holds(const Threshold& threshold, const Outcome& outcome);

// CPU time of the server for each message, in ns.
std::optional<double> cpu_per_message(const Outcome& outcome);

}  // namespace weir::load
