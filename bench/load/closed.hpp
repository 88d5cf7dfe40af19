// The closed loop: every answer that comes back is checked and followed by the next request.
#pragma once

#include "in_flight.hpp"
#include "run.hpp"
#include "talk.hpp"

namespace weir::load {

// Of echo and ask.
class ClosedRun final : public Run {
 public:
  using Run::Run;

 private:
  std::unique_ptr<Session> session(std::size_t index) override;
};

class ClosedSession final : public Session {
 public:
  ClosedSession(Run& run, std::size_t index);

  void begin(Connection& self) override;
  std::size_t on_data(Connection& self, Bytes data) override;
  void on_drain(Connection& self) override;
  std::optional<Nanos> waits_since() const override;

 private:
  void ask(Connection& self, Nanos now, std::size_t count);

  std::unique_ptr<Talk> talk_;
  InFlight in_flight_;
  std::size_t to_ask_ = 0;  // Once the server takes more.
  bool at_once_;            // A whole depth fits into what a connection takes.
};

}  // namespace weir::load
