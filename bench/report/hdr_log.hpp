// The interval log of HdrHistogram, format version 1.3 (.hlog): one histogram for each second, which
// every HdrHistogram tool cuts, adds and plots.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "hdr_payload.hpp"

namespace weir::load {

// A log in memory: some kilobytes an interval. Latencies are in nanoseconds; the highest of an
// interval is said in milliseconds, as HdrHistogram's own writer does.
class HdrLog {
 public:
  // Each comment becomes a line of the header, control characters left out.
  explicit HdrLog(std::chrono::system_clock::time_point start,
                  std::span<const std::string> comments = {});

  // The interval that began `start_s` seconds after the log's start and was `length_s` long, with the
  // counts in the layout of Histogram. Intervals come in the order of time.
  void add(double start_s, double length_s, std::span<const std::uint64_t> counts);

  // The header and every interval so far.
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace weir::load
