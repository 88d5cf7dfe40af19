#include "once.hpp"

#include <weir/tls.hpp>

namespace weir::load {

std::unique_ptr<Session> OnceRun::session(std::size_t index) {
  return std::make_unique<OnceSession>(*this, index);
}

OnceSession::OnceSession(OnceRun& run, std::size_t index)
    : Session(run, index),
      once_(run),
      talk_(make_talk(run.plan(), run.pattern(), index)),
      began_(run.machine().now()) {}

void OnceSession::ask(Connection& self) {
  asked_ = run().machine().now();
  awaiting_ = true;
  talk_->ask(self, 1);
}

std::size_t OnceSession::on_data(Connection& self, Bytes data) {
  const Talk::Heard heard = talk_->hear(data, awaiting_ ? 1 : 0);
  if (heard.wrong != nullptr) return wrong(self, data, heard.wrong);
  if (!run().finished()) run().meter().bytes += heard.used;
  if (heard.replies > 0) {
    awaiting_ = false;
    answered_ = true;
    once_.on_answer(*this, self);
  }
  return heard.used;
}

std::optional<Nanos> OnceSession::waits_since() const {
  if (!awaiting_) return {};
  return asked_;
}

// Who has been let in has to be answered in the same time again.
void StormRun::begin() {
  open_window();
  later(plan().ramp + 2 * plan().timeout, [this] {
    meter().fail(std::to_string(wanted() - over_) + " connections were not answered within " +
                 std::to_string(plan().timeout.count()) + " ms");
    close_window();
    finish();
  });
}

void StormRun::on_open(Session& session, Connection& connection) {
  OnceRun::on_open(session, connection);
  static_cast<OnceSession&>(session).ask(connection);
}

void StormRun::on_answer(OnceSession& session, Connection&) {
  if (finished()) return;
  ++meter().messages;
  meter().latency.record(machine().now() - session.began());
  over(1);
}

void StormRun::on_close(Session& session, const CloseReason& reason) {
  strike(session);
  if (finished() || static_cast<OnceSession&>(session).was_answered()) return;
  // The first refusal of all says that nobody is there.
  if (!session.opened() && made() == 0) return not_made(reason);
  if (!session.faulted()) {
    meter().fail("connection " + std::to_string(session.index()) +
                 " was not answered: " + reason.text());
  }
  over(1);
}

void StormRun::over(std::size_t count) {
  over_ += count;
  if (over_ < wanted()) return;
  close_window();
  finish();
}

// The first life of each takes a place, which the later ones inherit.
void ChurnRun::on_open(Session& session, Connection& connection) {
  static_cast<OnceSession&>(session).ask(connection);
  places_.resize(wanted());
  std::optional<std::size_t>& place = places_[session.index()];
  if (place) return enlist(session, connection, *place);
  place = all_made().size();
  OnceRun::on_open(session, connection);
}

void ChurnRun::on_answer(OnceSession&, Connection& connection) {
  plan().reset ? connection.abort() : connection.close();
}

void ChurnRun::on_close(Session& session, const CloseReason& reason) {
  strike(session);
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
    ++meter().messages;
    meter().latency.record(machine().now() - life.began());
  } else if (!life.faulted()) {
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

}  // namespace weir::load
