// The pattern as a stream in one direction: who sends it, and who checks it.
#pragma once

#include <weir/payload.hpp>

#include "pattern.hpp"

namespace weir::load {

// What the senders of a run share: a piece of whole periods, written again and again without a copy.
class StreamPieces {
 public:
  StreamPieces(const Pattern& pattern, std::size_t size);

  const Pattern& pattern() const { return pattern_; }
  const Payload& piece() const { return piece_; }  // Begins where the pattern does.

 private:
  const Pattern& pattern_;
  Payload piece_;
};

// Begins somewhere in the pattern and says in its first bytes where: so bytes of another connection
// are noticed, and both ends need not know each other.
class StreamSender {
 public:
  StreamSender(const StreamPieces& pieces, std::uint64_t seed) : pieces_(pieces), seed_(seed) {}

  void begin(Connection& to);
  // Until the far side takes no more; on_drain says when to go on. Returns the bytes written.
  std::size_t fill(Connection& to) const;

 private:
  const StreamPieces& pieces_;
  std::uint64_t seed_;
};

class StreamChecker {
 public:
  explicit StreamChecker(const Pattern& pattern) : pattern_(pattern), place_(pattern, 0) {}

  struct Taken {
    std::size_t used = 0;
    bool right = true;
  };
  Taken take(Bytes data);

 private:
  const Pattern& pattern_;
  PatternCursor place_;
  bool begun_ = false;
};

}  // namespace weir::load
