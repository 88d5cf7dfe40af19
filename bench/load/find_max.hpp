// The highest rate, or number of connections, at which a threshold holds.
#pragma once

#include <functional>

#include "threshold.hpp"

namespace weir::load {

struct Trial {
  double at = 0;
  std::optional<double> figure;
  bool holds = false;
  std::string reason;  // Why not.
};

struct FoundMax {
  Threshold threshold;
  bool of_rate = false;        // Else of connections.
  std::optional<double> best;  // Nothing: it did not hold at all.
  std::string limited_by;      // What kept the next step from holding.
  int confirmed = 0;           // Runs of the whole duration at the best, that held.
  std::vector<Trial> trials;   // In their order.
  std::unique_ptr<Outcome>
      outcome;  // Of the last run at the best; of the last trial if there is none.
};

using RunPlan = std::function<std::unique_ptr<Outcome>(const Plan&)>;
using OnTrial = std::function<void(const Trial&)>;

// Doubles from the plan's value until the threshold breaks, halves the gap until it is 5 %, and confirms
// with three whole runs, going down by 10 % when one of them does not hold. Trials of the search take a
// fifth of the plan's duration, a second at least. At most about 40 runs. Ends at once where a run has no
// figures at all: the outcome says why.
FoundMax find_max(const Plan& plan, const Threshold& threshold, const RunPlan& run,
                  const OnTrial& on_trial);

}  // namespace weir::load
