// When the figures of a run are not the server's.
#include <cmath>
#include <cstdio>

#include "outcome.hpp"

namespace weir::load {

namespace {

// A closed loop whose generator uses, or waits for, so much of a CPU may be its own limit,
constexpr double kGeneratorBusy = 0.95;
// unless a thread of the server is as busy.
constexpr double kServerBusy = 0.90;
// An open loop may be late by this, or by this share of what it measures.
constexpr double kLagMost = 1e6;  // ns
constexpr double kLagShare = 0.2;

std::string percent(double share) { return std::to_string(std::lround(share * 100)) + " %"; }

std::string millis(double nanos) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f ms", nanos / 1e6);
  return text.data();
}

void invalid(Outcome& outcome, Limit limit, std::string reason) {
  outcome.limit = limit;
  outcome.reason = std::move(reason);
}

void judge_open_loop(Outcome& outcome) {
  if (outcome.dropped > 0) {
    return invalid(outcome, Limit::drops,
                   "the target does not keep up: " + std::to_string(outcome.dropped) +
                       " messages could not be sent when they were due, as too many were under "
                       "way; lower --rate or raise --depth");
  }
  const auto lag = static_cast<double>(outcome.lag.at(0.99));
  const auto latency = static_cast<double>(outcome.latency.at(0.99));
  if (lag > kLagMost && lag > kLagShare * latency) {
    invalid(outcome, Limit::schedule,
            "the generator did not keep its schedule: 1 % of the messages were sent " +
                millis(lag) + " late or later, of a p99 of " + millis(latency) +
                "; give it a CPU of its own (--cpu), more --agents or a lower --rate");
  }
}

void judge_closed_loop(Outcome& outcome) {
  const double busy = outcome.generator_cpu + outcome.generator_waited;
  if (busy < kGeneratorBusy) return;
  const auto server = outcome.server ? outcome.server->busiest_share : std::nullopt;
  if (server && *server >= kServerBusy) return;
  const bool starved = outcome.generator_waited > 0.2;
  std::string what = starved
                         ? "the generator waited for a CPU during " +
                               percent(outcome.generator_waited) + " of the time"
                         : "the generator's CPU was " + percent(outcome.generator_cpu) + " busy";
  what += server ? ", the busiest thread of the server only " + percent(*server)
                 : ", and nothing is known of the server's (--server-pid)";
  invalid(outcome, Limit::generator,
          "the generator was the limit: " + what +
              (starved ? "; give it a CPU of its own" : "; spread it over more --agents and CPUs"));
}

}  // namespace

void judge(Outcome& outcome, const Plan& plan) {
  if (!outcome.reason.empty() || plan.abuses()) return;
  switch (plan.scenario) {
    case Scenario::rate:
      return judge_open_loop(outcome);
    case Scenario::idle:
      return;  // What it measures is memory.
    default:
      return judge_closed_loop(outcome);
  }
}

}  // namespace weir::load
