// When the messages that are under way on one connection were sent.
#pragma once

#include <vector>

#include "histogram.hpp"
#include "machine.hpp"

namespace weir::load {

// First in, first out, and never more than `depth`: allocates once. Messages sent together are one
// entry.
class InFlight {
 public:
  explicit InFlight(std::size_t depth) : ring_(depth) {}

  std::size_t most() const { return ring_.size(); }
  std::size_t messages() const { return messages_; }
  Nanos oldest() const { return ring_[head_].when; }  // When there is one.

  // At most `depth` messages are under way then.
  void sent(Nanos when, std::size_t count) {
    std::size_t at = head_ + entries_;
    if (at >= ring_.size()) at -= ring_.size();
    ring_[at] = {when, count};
    ++entries_;
    messages_ += count;
  }

  // The oldest `count`, of those that are under way.
  void answered(Nanos when, std::size_t count, Histogram& latency) {
    messages_ -= count;
    while (count > 0) {
      Sent& oldest = ring_[head_];
      const std::size_t now = oldest.count < count ? oldest.count : count;
      latency.record(when - oldest.when, now);
      count -= now;
      oldest.count -= now;
      if (oldest.count > 0) return;
      if (++head_ == ring_.size()) head_ = 0;
      --entries_;
    }
  }

 private:
  struct Sent {
    Nanos when = 0;
    std::size_t count = 0;
  };

  std::vector<Sent> ring_;
  std::size_t head_ = 0;
  std::size_t entries_ = 0;
  std::size_t messages_ = 0;
};

}  // namespace weir::load
