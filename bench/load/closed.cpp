#include "closed.hpp"

#include <algorithm>

#include <weir/server.hpp>

namespace weir::load {

std::unique_ptr<Session> ClosedRun::session(std::size_t index) {
  return std::make_unique<ClosedSession>(*this, index);
}

ClosedSession::ClosedSession(Run& run, std::size_t index)
    : Session(run, index),
      talk_(make_talk(run.plan(), run.pattern(), index)),
      in_flight_(static_cast<std::size_t>(run.plan().depth)),
      at_once_(in_flight_.most() * std::max(run.plan().size, run.plan().send.size()) <=
               Limits{}.write_high) {}

void ClosedSession::begin(Connection& self) {
  ask(self, run().machine().now(), static_cast<std::size_t>(run().plan().depth));
}

// Large messages go one by one, as far as the server takes them: nobody may write on and on.
void ClosedSession::ask(Connection& self, Nanos now, std::size_t count) {
  if (at_once_) {
    in_flight_.sent(now, count);
    talk_->ask(self, count);
    return;
  }
  for (to_ask_ += count; to_ask_ > 0 && !self.full(); --to_ask_) {
    in_flight_.sent(now, 1);
    talk_->ask(self, 1);
  }
}

void ClosedSession::on_drain(Connection& self) {
  if (!run().finished()) ask(self, run().machine().now(), 0);
}

std::optional<Nanos> ClosedSession::waits_since() const {
  if (in_flight_.messages() == 0) return {};
  return in_flight_.oldest();
}

// The hot path: one comparison, one look at the clock, one write.
std::size_t ClosedSession::on_data(Connection& self, Bytes data) {
  const Talk::Heard heard = talk_->hear(data, in_flight_.messages());
  if (heard.wrong != nullptr) return wrong(self, data, heard.wrong);
  Meter& meter = run().meter();
  if (run().finished()) return heard.used;
  meter.bytes += heard.used;
  if (heard.replies == 0) return heard.used;
  meter.messages += heard.replies;
  const Nanos now = run().machine().now();
  in_flight_.answered(now, heard.replies, meter.latency);
  ask(self, now, heard.replies);
  return heard.used;
}

}  // namespace weir::load
