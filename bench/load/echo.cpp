#include "echo.hpp"

namespace weir::load {

std::unique_ptr<Session> EchoRun::session(std::size_t index) {
  return std::make_unique<EchoSession>(*this, index);
}

// Each connection begins elsewhere in the pattern, so that bytes of another one are noticed.
EchoSession::EchoSession(Run& run, std::size_t index)
    : Session(run, index),
      out_(run.pattern(), index * 97),
      in_(out_),
      in_flight_(static_cast<std::size_t>(run.plan().depth)),
      size_(run.plan().size) {}

void EchoSession::begin(Connection& self) {
  const auto depth = static_cast<std::size_t>(run().plan().depth);
  in_flight_.sent(run().machine().now(), depth);
  out_.write(self, size_ * depth);
}

// The hot path: one comparison, one look at the clock, one write.
std::size_t EchoSession::on_data(Connection& self, Bytes data) {
  const std::size_t have = partial_ + data.size();
  if (have > in_flight_.messages() * size_) return wrong(self, data, "more came than was sent");
  if (!in_.matches(data)) return wrong(self, data, "they are not what was sent");
  if (have == size_) {
    partial_ = 0;
    answered(self, 1);
  } else if (have < size_) {
    partial_ = have;
  } else {
    partial_ = have % size_;
    answered(self, have / size_);
  }
  return data.size();
}

void EchoSession::answered(Connection& self, std::size_t count) {
  Meter& meter = run().meter();
  meter.messages += count;
  meter.bytes += count * size_;
  const Nanos now = run().machine().now();
  in_flight_.answered(now, count, meter.latency);
  if (run().finished()) return;
  in_flight_.sent(now, count);
  out_.write(self, size_ * count);
}

}  // namespace weir::load
