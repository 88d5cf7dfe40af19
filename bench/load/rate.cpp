#include "rate.hpp"

#include <algorithm>
#include <cmath>
#include <deque>

namespace weir::load {

namespace {

// Beats are no closer than this: each costs two changes of thread.
constexpr double kBeatLeast = 100e3;  // ns
constexpr double kBeatMost = 1e6;
// Of one beat, so that answers are looked at in between, however late the generator is.
constexpr int kSendsMost = 4'096;

double as_number(Nanos time) { return static_cast<double>(time); }

}  // namespace

class RateSession final : public Session {
 public:
  RateSession(RateRun& run, std::size_t index)
      : Session(run, index), rate_(run), talk_(make_talk(run.plan(), run.pattern(), index)) {}

  // False: too much is under way, and the message is not sent.
  bool send(Connection& self, Nanos due, Nanos now, bool counts) {
    const auto most = static_cast<std::size_t>(run().plan().depth);
    if (self.full() || self.closing() || under_way_.size() >= most) {
      return false;
    }
    under_way_.push_back({due, now, counts});
    talk_->ask(self, 1);
    return true;
  }

  std::size_t on_data(Connection& self, Bytes data) override {
    const Talk::Heard heard = talk_->hear(data, under_way_.size());
    if (heard.wrong != nullptr) return wrong(self, data, heard.wrong);
    if (!run().finished()) run().meter().bytes += heard.used;
    for (std::size_t i = 0; i < heard.replies; ++i) {
      const Sent oldest = under_way_.front();
      under_way_.pop_front();
      if (oldest.counts && !run().finished()) rate_.answered(oldest.due, oldest.sent);
    }
    return heard.used;
  }

  // What nobody will answer any more has waited until now at least. Returns how many they are.
  std::uint64_t give_up(Nanos now) {
    Meter& meter = run().meter();
    std::uint64_t given_up = 0;
    for (const Sent& each : under_way_) {
      if (!each.counts) continue;
      ++given_up;
      meter.latency.record(now - each.due);
    }
    meter.unanswered += given_up;
    under_way_.clear();
    return given_up;
  }

 private:
  struct Sent {
    Nanos due;
    Nanos sent;
    bool counts;
  };

  RateRun& rate_;
  std::unique_ptr<Talk> talk_;
  std::deque<Sent> under_way_;
};

std::unique_ptr<Session> RateRun::session(std::size_t index) {
  return std::make_unique<RateSession>(*this, index);
}

void RateRun::measure() {
  mean_gap_ = 1e9 / static_cast<double>(plan().rate);
  next_due_ = as_number(machine().now()) + gap();
  const double beat = std::clamp(mean_gap_, kBeatLeast, kBeatMost);
  pacer_ = machine().pace(loop(), static_cast<Nanos>(beat), [this] { catch_up(machine().now()); });
  warm_up();
}

// Xorshift: the same gaps in every run.
double RateRun::gap() {
  if (plan().gaps == "fixed") return mean_gap_;
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  const double share = (static_cast<double>(random_ >> 11) + 1) / 0x1p53;  // (0, 1]
  return -std::log(share) * mean_gap_;
}

void RateRun::catch_up(Nanos until) {
  if (over_ || finished()) return;
  for (int sends = 0; next_due_ <= as_number(until) && sends < kSendsMost; ++sends) {
    send(static_cast<Nanos>(next_due_));
    next_due_ += gap();
  }
}

void RateRun::send(Nanos due) {
  const Nanos now = machine().now();
  const bool counts = window_open() && due >= window_began();
  const Made& next = all_made()[turn_];
  if (++turn_ == all_made().size()) turn_ = 0;
  const bool sent =
      next.session != nullptr &&
      static_cast<RateSession*>(next.session)->send(*next.connection, due, now, counts);
  if (!counts) return;
  if (!sent) {
    ++meter().dropped;
    return;
  }
  ++awaited_;
  meter().lag.record(now - due);
}

void RateRun::answered(Nanos due, Nanos sent) {
  const Nanos now = machine().now();
  ++meter().messages;
  meter().latency.record(now - due);
  meter().service.record(now - sent);
  --awaited_;
  if (over_ && awaited_ == 0) finish();
}

// What was due by now, and was not sent, is the generator's fault.
void RateRun::on_window_over() {
  over_ = true;
  pacer_.reset();
  const double late = as_number(machine().now()) - next_due_;
  if (late > kBeatMost) {
    meter().lag.record(static_cast<Nanos>(late), 1 + static_cast<Nanos>(late / mean_gap_));
  }
  if (awaited_ == 0) return finish();
  later(plan().timeout, [this] { give_up(); });
}

void RateRun::give_up() {
  const Nanos now = machine().now();
  for (const Made& each : all_made()) {
    if (each.session != nullptr) static_cast<RateSession*>(each.session)->give_up(now);
  }
  meter().fail(std::to_string(meter().unanswered) + " messages were not answered within " +
               std::to_string(plan().timeout.count()) + " ms of the end");
  finish();
}

// The others go on; what was under way on this one will not be answered.
void RateRun::on_close(Session& session, const CloseReason& reason) {
  if (finished()) return;
  auto& gone = static_cast<RateSession&>(session);
  awaited_ -= gone.give_up(machine().now());
  Run::on_close(session, reason);
  if (finished()) {
    pacer_.reset();
  } else if (over_ && awaited_ == 0) {
    finish();
  }
}

}  // namespace weir::load
