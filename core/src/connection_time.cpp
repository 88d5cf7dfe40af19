// Timeouts. Activity only stores a stamp; the wheel offers a look, and the true deadline is computed
// then.
#include <algorithm>

#include "connection_core.hpp"
#include "connector.hpp"

namespace weir {

namespace {

constexpr std::int64_t kNever = INT64_MAX;

// How often a peer that does not take everything is asked after in the time that it has. What it took
// is known to have been then, so a stall is cut off after its time and at most that part of it more.
constexpr std::int64_t kLooksPerStall = 8;

}  // namespace

ConnectionCore::Deadline ConnectionCore::deadline() const {
  using Code = CloseReason::Code;
  const std::uint32_t now = stamp();
  const Timeouts& time = config().timeouts;
  Deadline best{kNever, Code::idle};
  const auto consider = [&](Millis limit, std::uint32_t since, Code what) {
    if (limit.count() <= 0) return;
    const std::int64_t left = limit.count() - std::int64_t{static_cast<std::uint32_t>(now - since)};
    if (left < best.left) best = {left, what};
  };

  if (phase_ == Phase::connecting) return {aside_.connector->left(), Code::connect_timeout};
  if (securing()) consider(time.handshake, securing_since(), Code::handshake);
  if (phase_ == Phase::securing) return best;
  if (is(kBlocked)) consider(time.write_stall, out_->stalled_since, Code::write_stall);
  if (is(kLingering)) {
    consider(time.linger, activity_, Code::linger);
    consider(time.linger_total, since_, Code::linger);
    return best;
  }
  if (is(kClosing)) {
    if (time.write_stall.count() <= 0) consider(time.linger_total, since_, Code::linger);
    return best;
  }
  // A peer that nobody reads is not silent.
  const bool waits = is(kFinOut) ? !is(kEofTold) && reading() : is(kEofTold);
  if (waits && !is(kRelayed)) consider(time.half_closed, activity_, Code::half_closed);
  if (is(kHasTail) && reading()) consider(time.unfinished, tail()->since, Code::line_time);
  if (bytes_in_ == 0 && !is_any(kEofIn | kPaused | kOutgoing)) {
    consider(time.first_byte, opened_, Code::first_byte);
  }
  if (!is(kPaused)) consider(Millis{idle_}, activity_, Code::idle);
  return best;
}

void ConnectionCore::refile() {
  if (phase_ == Phase::finished || phase_ == Phase::dead) return;
  std::int64_t left = deadline().left;
  if (left == kNever) return;
  if (is(kBlocked) && bounds_stalls()) {
    const std::int64_t look = config().timeouts.write_stall.count() / kLooksPerStall;
    left = std::min(left, std::max<std::int64_t>(look, 1));
  }
  const std::uint64_t at =
      core().tick() + static_cast<std::uint64_t>(std::max<std::int64_t>(left, 0));
  const bool later =
      filed() && static_cast<std::int32_t>(static_cast<std::uint32_t>(at) - tick) >= 0;
  if (!later) core().file(*this, at);
}

void ConnectionCore::on_due() {
  if (phase_ == Phase::finished || phase_ == Phase::dead) return;
  if (is(kBlocked) && peer_takes()) return refile();
  const Deadline look = deadline();
  if (look.left > 0) return refile();
  const bool of_silence = look.what == CloseReason::Code::idle ||
                          look.what == CloseReason::Code::half_closed ||
                          look.what == CloseReason::Code::write_stall;
  if (of_silence && peer_takes()) return refile();
  switch (look.what) {
    case CloseReason::Code::connect_timeout:
      aside_.connector->timed_out();
      return refile();
    case CloseReason::Code::idle:
      return idled();
    case CloseReason::Code::linger:
      return lingered();
    case CloseReason::Code::handshake:
      return handshake_timed_out();
    default:
      return cut(look.what);
  }
}

// A peer that has everything and does not answer is reset, so that no socket stays half-open in the
// kernel. One that has not is left to the kernel, which goes on delivering.
void ConnectionCore::lingered() {
  const bool tls = reason_.code == CloseReason::Code::handshake ||
                   reason_.code == CloseReason::Code::tls;  // Says more than that it lingered.
  finish(tls ? reason_.code : CloseReason::Code::linger, tls ? reason_.side : CloseReason::Side::us,
         0, stream().unacknowledged() == 0u);
}

// The kernel says that there is room only when a third of its buffer is free again, which at a slow
// reader's pace takes longer than a timeout. What the peer has acknowledged tells better.
bool ConnectionCore::peer_takes() {
  if (!is_open() || (is(kClosing) && !is(kBlocked))) return false;
  std::uint32_t& before = is(kBlocked) ? out_->unsent : since_;
  const std::uint32_t unsent = stream().unacknowledged().value_or(0);
  if (unsent == 0 || unsent == before) return false;
  before = unsent;
  activity_ = stamp();
  if (is(kBlocked)) out_->stalled_since = activity_;
  return true;
}

void ConnectionCore::idled() {
  activity_ = stamp();  // It comes again after as long a silence.
  cause_ = CloseReason::Code::idle;
  call("on_idle", [this] { handler_->on_idle(*this); });
  cause_ = CloseReason::Code::ended;
  advance();
  refile();
}

}  // namespace weir
