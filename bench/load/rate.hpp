// The open loop: messages are sent when they are due, whether or not the answers keep up.
#pragma once

#include "run.hpp"
#include "talk.hpp"

namespace weir::load {

class RateSession;

// Connections take turns. Latency counts from when a message was due, so that a server that stalls is
// charged for everything that had to wait (coordinated omission is what else would happen); when it was
// sent, and how late that was, is counted beside it. What falls due in the window is waited for.
class RateRun final : public Run {
 public:
  using Run::Run;

  void answered(Nanos due, Nanos sent);  // Of one that falls into the window.
  void on_close(Session& session, const CloseReason& reason) override;

 private:
  std::unique_ptr<Session> session(std::size_t index) override;
  void measure() override;
  void on_window_over() override;

  void catch_up(Nanos until);
  void send(Nanos due);
  double gap();
  void give_up();

  std::unique_ptr<Pacer> pacer_;
  double next_due_ = 0;  // ns
  double mean_gap_ = 0;
  std::uint64_t random_ = 0x9e3779b97f4a7c15;
  std::size_t turn_ = 0;
  std::uint64_t awaited_ = 0;  // Of the window, and not answered yet.
  bool over_ = false;          // The window is.
};

}  // namespace weir::load
