// Connections that chatter and stream in turn: what a forwarder should do equally well.
#pragma once

#include "run.hpp"
#include "stream.hpp"

namespace weir::load {

// `chatter` requests and replies of `size` bytes, one at a time; then `bytes` to the far side, which
// answers them with one more reply; and again. Both ends know these figures, so there is no framing.
class MixRun final : public Run {
 public:
  MixRun(const Tools& tools, const Plan& plan, Task done);

  const StreamPieces& pieces() const { return pieces_; }
  const Payload& rest() const { return rest_; }  // Of a stream, behind its whole pieces.

 private:
  std::unique_ptr<Session> session(std::size_t index) override;

  StreamPieces pieces_;
  Payload rest_;
};

// The other end: takes what is due, and answers it.
class MixFarSide final : public Handler {
 public:
  explicit MixFarSide(Run& run);

  std::size_t on_data(Connection& self, Bytes data) override;

 private:
  void next();

  Run& run_;
  PatternCursor in_;
  PatternCursor out_;
  std::size_t missing_;        // Bytes of what is being received.
  std::int64_t chatter_left_;  // Messages before the stream; 0: it is the stream.
};

}  // namespace weir::load
