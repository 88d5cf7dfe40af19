// The closed loop: every message that comes back is checked and answered by the next one.
#pragma once

#include "in_flight.hpp"
#include "run.hpp"

namespace weir::load {

class EchoRun final : public Run {
 public:
  using Run::Run;

 private:
  std::unique_ptr<Session> session(std::size_t index) override;
};

class EchoSession final : public Session {
 public:
  EchoSession(Run& run, std::size_t index);

  void begin(Connection& self) override;
  std::size_t on_data(Connection& self, Bytes data) override;

 private:
  void answered(Connection& self, std::size_t count);

  PatternCursor out_;
  PatternCursor in_;
  InFlight in_flight_;
  std::size_t size_;
  std::size_t partial_ = 0;  // Bytes of an answer that is not whole yet.
};

}  // namespace weir::load
