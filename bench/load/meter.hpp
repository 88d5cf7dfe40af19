// What has happened so far in a run, and what came out of it.
#pragma once

#include <optional>
#include <string>

#include "histogram.hpp"
#include "machine.hpp"

namespace weir::load {

struct Meter {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;  // Of messages, in the direction that counts.
  std::uint64_t errors = 0;
  std::string fault;  // The first error, in words.
  Histogram latency;  // ns

  void fail(std::string sentence) {
    if (errors++ == 0) fault = std::move(sentence);
  }
};

// What is measured between two moments, and of what.
struct Result {
  Nanos duration = 0;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t errors = 0;
  std::uint64_t connections = 0;  // That were made.
  std::string reason;             // Why it is not valid; empty if it is.
  Nanos own_cpu = 0;
  std::optional<Nanos> server_cpu;
  std::optional<std::int64_t> server_growth;          // Bytes, with all connected,
  std::optional<std::int64_t> server_growth_touched;  // and after an echo on each.
};

}  // namespace weir::load
