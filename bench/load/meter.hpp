// What has happened so far in a run.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "histogram.hpp"

namespace weir::load {

// Holds no pointer, so that a process may look into the meter of another one while it counts.
struct Meter {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;  // Of messages, in the direction that counts.
  std::uint64_t errors = 0;
  std::uint64_t dropped = 0;     // Open loop: due, and never sent.
  std::uint64_t unanswered = 0;  // Open loop: sent, and no answer came in time.
  std::uint64_t open = 0;        // Connections at this moment.
  std::uint64_t abusers = 0;     // Of those, the ones that misbehave.
  std::uint64_t thrown_out = 0;  // Abusers whose connection the server ended,
  std::uint64_t not_let_in = 0;  // and that could not connect.
  Histogram latency;             // ns
  Histogram service;             // Open loop: from the actual sending.
  Histogram lag;                 // Open loop: from when it was due to the actual sending.

  void fail(std::string_view sentence) {
    if (errors++ > 0) return;
    const std::size_t size = std::min(sentence.size(), fault_.size() - 1);
    std::copy_n(sentence.begin(), size, fault_.begin());
  }
  std::string_view fault() const { return fault_.data(); }  // The first error, in words.

  // What came before does not count; errors do.
  void begin() {
    messages = bytes = dropped = unanswered = 0;
    latency.clear();
    service.clear();
    lag.clear();
  }

 private:
  std::array<char, 512> fault_{};
};

}  // namespace weir::load
