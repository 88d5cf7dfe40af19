// How well a ratio of two runs is known, by the seconds of each.
#pragma once

#include <optional>
#include <span>

namespace weir::load {

struct Sample {
  double value = 0;
  double weight = 1;  // What share of the figure is from this second, in any unit.
};

struct Interval {
  double low = 0;
  double high = 0;
};

// The 95 % interval of B's weighted mean over A's, by the bootstrap: seconds are drawn from each run
// again and again. The same seconds always give the same interval. None where there are fewer than
// five seconds on either side, or a mean that no ratio can be taken of.
std::optional<Interval> bootstrap_ratio(std::span<const Sample> a, std::span<const Sample> b);

}  // namespace weir::load
