// The bytes that are sent, and the check that just these come back: a function of their place in the
// stream, so that a lost, doubled or swapped piece is noticed.
#pragma once

#include <cstring>
#include <vector>

#include <weir/connection.hpp>

namespace weir::load {

// An endless stream that repeats itself after a prime number of bytes, and so never in step with
// messages, buffers or pipes. The table holds two periods: a whole one starts anywhere.
class Pattern {
 public:
  static constexpr std::size_t kBulkPeriod = 65'521;

  // The period is longer than `piece` where it can be; the shorter it is the less cache it takes.
  explicit Pattern(std::size_t piece);

  std::size_t period() const { return period_; }
  const std::byte* at(std::size_t phase) const { return table_.data() + phase; }

 private:
  std::size_t period_;
  std::vector<std::byte> table_;
};

// A place in the stream.
class PatternCursor {
 public:
  PatternCursor(const Pattern& pattern, std::uint64_t seed)
      : pattern_(&pattern), phase_(static_cast<std::size_t>(seed % pattern.period())) {}

  std::size_t phase() const { return phase_; }

  // Whether these are the next bytes. Moves behind them.
  bool matches(Bytes data) {
    if (data.size() > pattern_->period()) return matches_long(data);
    const bool same = std::memcmp(pattern_->at(phase_), data.data(), data.size()) == 0;
    move(data.size());
    return same;
  }

  // Writes the next bytes.
  Flow write(Connection& to, std::size_t size) {
    if (size > pattern_->period()) return write_long(to, size);
    const Flow flow = to.write(Bytes(pattern_->at(phase_), size));
    move(size);
    return flow;
  }

 private:
  void move(std::size_t size) {  // By a period at most.
    phase_ += size;
    if (phase_ >= pattern_->period()) phase_ -= pattern_->period();
  }
  bool matches_long(Bytes data);
  Flow write_long(Connection& to, std::size_t size);

  const Pattern* pattern_;
  std::size_t phase_;
};

}  // namespace weir::load
