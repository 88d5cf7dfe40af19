#include "idle.hpp"

namespace weir::load {

// With one less, the memory of those that are left says nothing.
void IdleRun::on_close(Session& session, const CloseReason& reason) {
  OnceRun::on_close(session, reason);
  finish();
}

void IdleRun::measure() {
  later(plan().warmup, [this] {
    open_window();
    for (std::size_t i = 0; i < kTouching; ++i) touch_next();
    expect_progress(0);
  });
}

// A server that answers no more would hold the run for ever.
void IdleRun::expect_progress(std::size_t before) {
  later(plan().timeout, [this, before] {
    if (answered_ > before) return expect_progress(answered_);
    meter().fail("no connection was answered for " + std::to_string(plan().timeout.count()) +
                 " ms, and " + std::to_string(wanted() - answered_) + " were to be");
    finish();
  });
}

void IdleRun::touch_next() {
  if (touched_ == all_made().size()) return;
  const Made& next = all_made()[touched_++];
  static_cast<OnceSession*>(next.session)->ask(*next.connection);
}

void IdleRun::on_answer(OnceSession& session, Connection& connection) {
  if (finished()) return;
  Meter& counted = meter();
  ++counted.messages;
  counted.latency.record(machine().now() - session.asked());
  if (active_) return session.ask(connection);
  if (++answered_ < wanted()) return touch_next();
  stop_waiting();
  close_window();
  gate().arrive([this] { touched_all(); });
}

void IdleRun::touched_all() {
  if (finished()) return;
  if (plan().active == 0) return finish();
  active_ = true;
  for (std::size_t i = 0; i < static_cast<std::size_t>(plan().active); ++i) {
    const Made& each = all_made()[i];
    static_cast<OnceSession*>(each.session)->ask(*each.connection);
  }
  warm_up();
}

}  // namespace weir::load
