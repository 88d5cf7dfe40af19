// What came of a run, all agents together.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "page.hpp"
#include "plan.hpp"

namespace weir::load {

// Of one second of what is measured; the last may be shorter.
struct Second {
  double at = 0;    // When it ended, in seconds from the beginning.
  double span = 0;  // Seconds.
  double rate = 0;
  std::optional<double> p50, p90, p99, most;  // µs; nothing where nothing was answered.
  std::uint64_t connections = 0;
  std::uint64_t errors = 0;
  std::optional<double> generator_cpu;  // Of the busiest agent; 1 is a whole CPU.
  std::optional<double> server_cpu;
  std::optional<std::int64_t> server_memory;  // Bytes.
};

// What kept the figures from being the server's.
enum class Limit : std::uint8_t { none, errors, generator, schedule, drops, interrupted };
const char* limit_name(Limit limit);

struct ServerFigures {
  std::vector<int> pids;
  std::optional<double> cpu_share;
  std::optional<double> busiest_share;         // Of its threads.
  std::optional<std::int64_t> growth;          // Of its memory in bytes, with all connected,
  std::optional<std::int64_t> growth_touched;  // and after an echo on each.
};

struct Outcome {
  double duration = 0;  // Seconds.
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  double rate = 0;  // Messages a second; of bulk bytes.
  std::uint64_t errors = 0;
  std::uint64_t dropped = 0;
  std::uint64_t unanswered = 0;
  std::uint64_t connections = 0;  // That were made.
  std::uint64_t abusers = 0, thrown_out = 0, not_let_in = 0;
  Histogram latency, service, lag;
  double generator_cpu = 0;     // Of the busiest agent,
  double generator_waited = 0;  // and of the one that waited most for a CPU.
  std::optional<ServerFigures> server;
  std::vector<Second> seconds;
  std::string reason;  // Why it is not valid; empty if it is.
  Limit limit = Limit::none;
  int failed = 0;  // An exit status: there are no figures at all, for that reason.
};

// Adds what the agents measured. A fault of one is a fault of all.
void merge(Outcome& into, std::span<const Page> pages, const Plan& plan);

// Says of an outcome without errors whether something else than the server set its figures.
void judge(Outcome& outcome, const Plan& plan);

}  // namespace weir::load
