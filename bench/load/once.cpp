#include "once.hpp"

#include <algorithm>
#include <cstdlib>

#include <weir/tls.hpp>

namespace weir::load {

std::unique_ptr<Session> OnceRun::session(std::size_t index) {
  return std::make_unique<OnceSession>(*this, index);
}

OnceSession::OnceSession(OnceRun& run, std::size_t index)
    : Session(run, index),
      once_(run),
      out_(run.pattern(), index * 97),
      in_(out_),
      began_(run.machine().now()) {}

void OnceSession::ask(Connection& self) {
  asked_ = run().machine().now();
  missing_ = run().plan().size;
  out_.write(self, missing_);
}

std::size_t OnceSession::on_data(Connection& self, Bytes data) {
  if (data.size() > missing_) return wrong(self, data, "more came than was sent");
  if (!in_.matches(data)) return wrong(self, data, "they are not what was sent");
  missing_ -= data.size();
  if (missing_ == 0) {
    answered_ = true;
    once_.on_answer(*this, self);
  }
  return data.size();
}

void StormRun::on_open(Session& session, Connection& connection) {
  OnceRun::on_open(session, connection);
  static_cast<OnceSession&>(session).ask(connection);
}

void StormRun::on_answer(OnceSession& session, Connection&) {
  Meter& counted = meter();
  ++counted.messages;
  counted.bytes += plan().size;
  counted.latency.record(machine().now() - session.began());
  over(1);
}

void StormRun::on_close(Session& session, const CloseReason& reason) {
  if (finished() || static_cast<OnceSession&>(session).was_answered()) return;
  // The first refusal of all says that nobody is there.
  if (!session.opened() && made() == 0) return not_made(reason);
  meter().fail("connection " + std::to_string(session.index()) +
               " was not answered: " + reason.text());
  over(1);
}

void StormRun::over(std::size_t count) {
  over_ += count;
  if (over_ < wanted()) return;
  close_window();
  finish();
}

void ChurnRun::on_open(Session& session, Connection& connection) {
  static_cast<OnceSession&>(session).ask(connection);
  lived_.resize(wanted());
  if (lived_[session.index()]) return;
  lived_[session.index()] = true;
  OnceRun::on_open(session, connection);
}

void ChurnRun::on_answer(OnceSession&, Connection& connection) {
  plan().reset ? connection.abort() : connection.close();
}

void ChurnRun::on_close(Session& session, const CloseReason& reason) {
  if (finished()) return;
  const auto& life = static_cast<OnceSession&>(session);
  using Code = CloseReason::Code;
  const bool whole = life.was_answered() && (plan().reset || reason.code == Code::ended);
  if (!life.opened() && made() == 0) return not_made(reason);
  if (!life.opened()) {
    meter().fail("a life could not begin: " + reason.text());
    return finish();
  }
  if (whole) {
    Meter& counted = meter();
    ++counted.messages;
    counted.bytes += plan().size;
    counted.latency.record(machine().now() - life.began());
  } else {
    meter().fail("a life of connection " + std::to_string(life.index()) +
                 " ended otherwise: " + reason.text());
  }
  dial(session.index());
}

void HandshakeRun::on_open(Session& session, Connection& connection) {
  const bool resumed = connection.tls() != nullptr && connection.tls()->resumed;
  const bool first = plan().resumed && !resumed && full_ < 2 * wanted();
  if (first) ++full_;
  if (resumed != plan().resumed && !first) {
    meter().fail("the handshake of connection " + std::to_string(session.index()) +
                 (resumed ? " was resumed" : " was a full one"));
  }
  ChurnRun::on_open(session, connection);
}

void IdleRun::begin() {
  const auto memory = machine().server_memory();
  before_ = memory ? static_cast<std::int64_t>(*memory) : 0;
}

// With one less, the memory of those that are left says nothing.
void IdleRun::on_close(Session& session, const CloseReason& reason) {
  OnceRun::on_close(session, reason);
  finish();
}

std::int64_t IdleRun::growth() {
  const auto memory = machine().server_memory();
  return memory ? static_cast<std::int64_t>(*memory) - before_ : 0;
}

// Being connected is the kernel's doing: the server may still have most of them to accept. Its memory
// has to stand still from one look to the next, but for what a collector moves.
void IdleRun::settled(std::optional<std::int64_t> Result::*figure, int looks, Task then) {
  constexpr Millis pause{200};
  constexpr int looks_most = 50;
  if (!machine().server_memory()) return then();
  const std::int64_t memory = growth();
  const std::int64_t change = std::abs(memory - std::exchange(last_, memory));
  if (looks > 0 && change <= std::max<std::int64_t>(64 << 10, memory / 200)) {
    result_so_far().*figure = memory;
    return then();
  }
  if (looks == looks_most) {
    meter().fail("the memory of the server does not stand still");
    return finish();
  }
  later(pause, [this, figure, looks, next = std::move(then)]() mutable {
    settled(figure, looks + 1, std::move(next));
  });
}

void IdleRun::measure() {
  later(plan().warmup, [this] {
    settled(&Result::server_growth, 0, [this] {
      open_window();
      for (std::size_t i = 0; i < kTouching; ++i) touch_next();
    });
  });
}

void IdleRun::touch_next() {
  if (touched_ == all_made().size()) return;
  const Made& next = all_made()[touched_++];
  static_cast<OnceSession*>(next.session)->ask(*next.connection);
}

void IdleRun::on_answer(OnceSession& session, Connection&) {
  Meter& counted = meter();
  ++counted.messages;
  counted.latency.record(machine().now() - session.asked());
  counted.bytes += plan().size;
  if (++answered_ < wanted()) return touch_next();
  close_window();
  settled(&Result::server_growth_touched, 0, [this] { finish(); });
}

}  // namespace weir::load
