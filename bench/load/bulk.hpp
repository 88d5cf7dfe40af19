// One way, as fast as it goes.
#pragma once

#include "run.hpp"
#include "stream.hpp"

namespace weir::load {

// To the server. With the far side here, bytes count where they arrive and are checked; else where
// the server has taken them.
class SendRun final : public Run {
 public:
  SendRun(const Tools& tools, const Plan& plan, Task done);

  const StreamPieces& pieces() const { return pieces_; }

 private:
  std::unique_ptr<Session> session(std::size_t index) override;
  void on_window() override;
  void on_window_over() override;
  void count_all();

  StreamPieces pieces_;
};

// From the far side, through a forwarder.
class ReceiveRun final : public Run {
 public:
  ReceiveRun(const Tools& tools, const Plan& plan, Task done);

  const StreamPieces& pieces() const { return pieces_; }
  std::uint64_t next_seed() { return seed_ += 97; }

 private:
  std::unique_ptr<Session> session(std::size_t index) override;

  StreamPieces pieces_;
  std::uint64_t seed_ = 0;
};

// The far ends of the two.
class Sink final : public Handler {
 public:
  explicit Sink(Run& run) : run_(run), checker_(run.pattern()) {}

  std::size_t on_data(Connection& self, Bytes data) override;

 private:
  Run& run_;
  StreamChecker checker_;
};

class Source final : public Handler {
 public:
  explicit Source(ReceiveRun& run) : run_(run), sender_(run.pieces(), run.next_seed()) {}

  void on_open(Connection& self) override;
  void on_drain(Connection& self) override;

 private:
  Run& run_;
  StreamSender sender_;
};

}  // namespace weir::load
