#include "find_max.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace weir::load {

namespace {

constexpr double kRateFirst = 1'000;
constexpr double kConnectionsFirst = 10;
constexpr double kGap = 1.05;   // Between what holds and what does not, at the end.
constexpr int kDoublings = 24;  // To 16 million times the first.
constexpr int kConfirmations = 3;
constexpr double kStepDown = 1.1;  // Short trials promise more than whole runs hold.
constexpr int kStepsDown = 10;
constexpr double kMost = 1e7;

class Search {
 public:
  Search(const Plan& plan, const Threshold& threshold, const RunPlan& run, const OnTrial& on_trial)
      : plan_(plan), run_(run), on_trial_(on_trial) {
    found_.threshold = threshold;
    found_.of_rate = plan.scenario == Scenario::rate;
    short_ = std::max(plan.duration / 5, Millis{1'000});
    short_ = std::min(short_, plan.duration);
  }

  FoundMax find() {
    if (!bracket()) return std::move(found_);
    while (!failed_ && breaks_ / holds_ > kGap && step(middle()) != 0) {
    }
    if (!failed_) confirm();
    return std::move(found_);
  }

 private:
  // Leaves the highest that held and the lowest that did not. False: nothing held.
  bool bracket() {
    double at = found_.of_rate ? kRateFirst : kConnectionsFirst;
    for (int i = 0; i < kDoublings && !failed_; ++i) {
      const bool held = trial(at, short_);
      if (held) {
        holds_ = at;
        at *= 2;
        if (breaks_ > 0 || at > kMost) break;
      } else {
        breaks_ = at;
        at = std::floor(at / 2);
        if (holds_ > 0 || at < 1) break;
      }
    }
    if (breaks_ == 0) breaks_ = holds_;
    return !failed_ && holds_ > 0;
  }

  double middle() const { return std::floor(std::sqrt(holds_ * breaks_)); }

  // 0: there is nothing in between.
  int step(double at) {
    if (at <= holds_ || at >= breaks_) return 0;
    (trial(at, short_) ? holds_ : breaks_) = at;
    return 1;
  }

  void confirm() {
    for (int down = 0; down <= kStepsDown && !failed_; ++down) {
      found_.confirmed = 0;
      while (found_.confirmed < kConfirmations && trial(holds_, plan_.duration)) {
        ++found_.confirmed;
      }
      if (found_.confirmed == kConfirmations) {
        found_.best = holds_;
        return;
      }
      breaks_ = holds_;
      holds_ = std::floor(holds_ / kStepDown);
      if (holds_ < 1) return;
    }
  }

  bool trial(double at, Millis duration) {
    Plan plan = plan_;
    plan.duration = duration;
    (found_.of_rate ? plan.rate : plan.connections) = static_cast<std::int64_t>(at);
    if (!found_.of_rate) plan.agents = std::min(plan.agents, plan.connections);
    found_.outcome = run_(plan);
    const Outcome& outcome = *found_.outcome;
    // Connections that are not to be had are the answer; nobody there at all is none.
    failed_ = outcome.limit == Limit::interrupted || (outcome.failed != 0 && holds_ == 0);
    Trial made{at, figure_of(found_.threshold, outcome), false, outcome.reason};
    made.holds = outcome.reason.empty() && holds(found_.threshold, outcome);
    if (!made.holds) found_.limited_by = why(made);
    found_.trials.push_back(made);
    if (on_trial_) on_trial_(made);
    return made.holds;
  }

  std::string why(Trial& trial) const {
    if (trial.reason.empty()) {
      std::array<char, 96> text{};
      std::snprintf(text.data(), text.size(), "%s does not hold: it was %.4g %s",
                    found_.threshold.text.c_str(), trial.figure.value_or(0),
                    found_.threshold.unit.c_str());
      trial.reason = text.data();
      if (trial.reason.ends_with(' ')) trial.reason.pop_back();
    }
    return "at " + std::to_string(static_cast<std::int64_t>(trial.at)) +
           (found_.of_rate ? " a second " : " connections ") + trial.reason;
  }

  const Plan& plan_;
  const RunPlan& run_;
  const OnTrial& on_trial_;
  FoundMax found_;
  Millis short_{};
  double holds_ = 0;
  double breaks_ = 0;
  bool failed_ = false;
};

}  // namespace

FoundMax find_max(const Plan& plan, const Threshold& threshold, const RunPlan& run,
                  const OnTrial& on_trial) {
  return Search(plan, threshold, run, on_trial).find();
}

}  // namespace weir::load
