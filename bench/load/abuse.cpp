#include "abuse.hpp"

#include "abuser.hpp"

namespace weir::load {

class GoodClient final : public Session {
 public:
  GoodClient(AbuseRun& run, std::size_t index)
      : Session(run, index),
        abuse_(run),
        talk_(make_talk(run.plan(), run.pattern(), index)),
        began_(run.machine().now()) {}

  void ask(Connection& self) {
    talk_->ask(self, 1);
    deadline_ = run().loop().after(
        run().plan().timeout, [&self] { self.abort(std::make_error_code(std::errc::timed_out)); });
  }
  Nanos began() const { return began_; }
  bool was_answered() const { return answered_; }

  std::size_t on_data(Connection& self, Bytes data) override {
    const Talk::Heard heard = talk_->hear(data, answered_ ? 0 : 1);
    if (heard.wrong != nullptr) return wrong(self, data, heard.wrong);
    if (!run().finished()) run().meter().bytes += heard.used;
    if (heard.replies == 0) return heard.used;
    answered_ = true;
    abuse_.served(*this);
    self.close();
    return heard.used;
  }

 private:
  AbuseRun& abuse_;
  std::unique_ptr<Talk> talk_;
  Timer deadline_;
  Nanos began_;
  bool answered_ = false;
};

std::unique_ptr<Session> AbuseRun::session(std::size_t index) {
  if (index < wanted()) return std::make_unique<Abuser>(*this, index);
  auto good = std::make_unique<GoodClient>(*this, index);
  good_[index - wanted()] = good.get();
  return good;
}

Url AbuseRun::url_of(std::size_t index) const {
  const bool plain = plan().scenario == Scenario::unfinished_handshake && index < wanted();
  return plain ? plain_ : Run::url_of(index);
}

void AbuseRun::begin() {
  tried_.resize(wanted());
  again_.resize(wanted() + static_cast<std::size_t>(plan().active));
  good_.resize(static_cast<std::size_t>(plan().active));
  const Url& target = plan().target;
  if (plan().scenario == Scenario::unfinished_handshake) {
    plain_ = Url::parse("tcp://127.0.0.1:1").with_host(target.host()).with_port(target.port());
  }
  if (plan().scenario == Scenario::half_open) vanish(0);
}

void AbuseRun::tried(std::size_t index) {
  if (tried_[index]) return;
  tried_[index] = true;
  if (++tries_ < wanted()) return;
  gate().arrive([this] {
    if (!finished()) measure();
  });
}

void AbuseRun::measure() {
  for (std::size_t i = 0; i < good_.size(); ++i) dial(wanted() + i);
  warm_up();
}

void AbuseRun::on_open(Session& session, Connection& connection) {
  if (finished()) return;
  if (is_good(session)) return static_cast<GoodClient&>(session).ask(connection);
  ++meter().abusers;
  count_made();
  static_cast<Abuser&>(session).misbehave(connection);
  tried(session.index());
}

void AbuseRun::on_close(Session& session, const CloseReason& reason) {
  if (is_good(session)) return good_closed(static_cast<GoodClient&>(session), reason);
  if (finished()) return;
  if (session.opened()) {
    --meter().abusers;
    if (reason.side == CloseReason::Side::peer) ++meter().thrown_out;
  } else {
    if (made() == 0 && tries_ == 0) return not_made(reason);
    ++meter().not_let_in;
  }
  const bool at_once = plan().scenario == Scenario::reset_storm && session.opened();
  tried(session.index());
  if (!finished()) dial_again(session.index(), at_once ? Millis{0} : kAgain);
}

void AbuseRun::served(GoodClient& client) {
  if (finished()) return;
  ++meter().messages;
  meter().latency.record(machine().now() - client.began());
}

void AbuseRun::good_closed(GoodClient& client, const CloseReason& reason) {
  const std::size_t index = client.index();
  good_[index - wanted()] = nullptr;
  if (finished()) return;
  if (!client.was_answered() && !client.faulted()) {
    meter().fail("a good client was not served: " + reason.text());
    meter().latency.record(machine().now() - client.began());
  }
  dial_again(index, kBetween);
}

void AbuseRun::dial_again(std::size_t index, Millis pause) {
  if (pause == Millis{0}) {
    return loop().post([this, index] {
      if (!finished()) dial(index);
    });
  }
  again_[index] = loop().after(pause, [this, index] {
    if (!finished()) dial(index);
  });
}

// Who has waited for long when the window closes was not served either.
void AbuseRun::on_window_over() {
  const Nanos now = machine().now();
  for (const GoodClient* const each : good_) {
    if (each == nullptr || each->was_answered() || now - each->began() < kPatience) continue;
    meter().fail("a good client had waited for " +
                 std::to_string((now - each->began()) / 1'000'000) + " ms at the end");
    meter().latency.record(now - each->began());
  }
  finish();
}

// Some at a time, on a pool's thread, as these connections are not the loop's.
void AbuseRun::vanish(std::size_t from) {
  constexpr std::size_t some = 64;
  const std::size_t to = std::min(from + some, wanted());
  auto outcome = std::make_shared<std::string>();
  loop().work(
      [this, from, to, outcome] {
        for (std::size_t i = from; i < to && outcome->empty(); ++i) {
          *outcome = connect_and_vanish(url_of(i), plan().send.empty() ? "x" : plan().send);
        }
      },
      [this, from, to, outcome] {
        if (finished()) return;
        if (!outcome->empty()) {
          meter().fail(*outcome);
          return finish();
        }
        for (std::size_t i = from; i < to; ++i) {
          count_made();
          tried(i);
        }
        if (to < wanted()) vanish(to);
      });
}

}  // namespace weir::load
