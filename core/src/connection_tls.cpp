// What TLS adds to a connection: a handshake before it is open, a stream above the other, and output
// that this other one holds.
#include <cerrno>
#include <string>

#include "connection_core.hpp"
#include "connector.hpp"
#include "tls_client.hpp"
#include "tls_engine.hpp"
#include "tls_stream.hpp"

namespace weir {

void check(const TlsOptions& options) { tls_upgrade(options); }

Stream& ConnectionCore::above() const { return *aside_.tls; }

Tail* ConnectionCore::tail() const {
  return is_any(kTls | kUpgrading) ? aside_.tls->tail : aside_.tail;
}

void ConnectionCore::put_tail(Tail* tail) {
  (is_any(kTls | kUpgrading) ? aside_.tls->tail : aside_.tail) = tail;
}

std::size_t ConnectionCore::early_bytes() const {
  return is(kUpgrading) ? aside_.tls->early().size() : 0;
}

std::uint32_t ConnectionCore::securing_since() const { return aside_.tls->began; }

const TlsInfo* ConnectionCore::tls() const { return is(kTls) ? &aside_.tls->info() : nullptr; }

void ConnectionCore::secure_by(std::shared_ptr<TlsSource> source) {
  auto* const above = new TlsStream(*this, plain(), std::move(source));
  above->began = stamp();
  aside_.tls = above;
  set(kTls);
  phase_ = Phase::securing;
}

void ConnectionCore::drop_tls() {
  if (!is_any(kTls | kUpgrading)) return;
  delete aside_.tls;
  aside_ = {};
  clear(kTls);
  clear(kUpgrading);
}

void ConnectionCore::start_tls(const TlsOptions& options) {
  if (is(kClosing)) return;
  if (is_any(kTls | kUpgrading)) throw SetupError("start_tls: the connection is secured already");
  if (!is_open() || is(kEndCalled)) {
    throw SetupError("start_tls: the connection is not open in both directions");
  }
  std::shared_ptr<TlsSource> source = tls_upgrade(options);
  splice_by(nullptr);
  auto* const above = new TlsStream(*this, plain(), std::move(source));
  above->began = stamp();
  if (is(kHasTail)) above->tail = aside_.tail;
  aside_.tls = above;
  set(kUpgrading);
  if (!is(kInCallback)) be_due();
  refile();
}

// What was written before has left in clear. Whatever the peer sent before it heard of the change is
// not of the secured stream, and taken for it would be an attacker's.
void ConnectionCore::upgrade() {
  if (is(kHasTail)) return cut(CloseReason::Code::tls_injection);
  clear(kUpgrading);
  set(kTls);
  phase_ = Phase::securing;
  const std::vector<std::byte> early = std::move(aside_.tls->early());
  if (!early.empty()) out().copy(Bytes(early));
  begin_securing();
}

// A client speaks first; a server would only read to learn that there is nothing yet.
void ConnectionCore::begin_securing() {
  if (!tls_stream().serves()) return secure();
  wanted_ = ready::kRead;
  plain().want(ready::kRead);
  refile();
}

Flow ConnectionCore::write_early(Bytes bytes) {
  std::vector<std::byte>& early = aside_.tls->early();
  early.insert(early.end(), bytes.begin(), bytes.end());
  if (!is(kFull) && pending() > config().limits.write_high) {
    set(kFull);
    out().full_turn = core().turn();
  }
  if (!is(kInCallback)) be_due();
  return is(kFull) ? Flow::full : Flow::open;
}

void ConnectionCore::secure_soon() {
  if (is(kOnAgenda) || phase_ != Phase::securing) return;
  set(kOnAgenda);
  core().due_next_turn(*this);
}

void ConnectionCore::secure() {
  switch (tls_stream().shake()) {
    case TlsStream::Handshake::done:
      return secured();
    case TlsStream::Handshake::failed:
      return not_secured();
    case TlsStream::Handshake::waits:
      break;
  }
  const unsigned what = tls_stream().wants();
  if (what != wanted_) {
    wanted_ = static_cast<std::uint8_t>(what);
    plain().want(what);
  }
  refile();
}

void ConnectionCore::secured() {
  LoopCounters::add(core().count().handshakes);
  phase_ = Phase::open;
  activity_ = stamp();
  if (handler_ == nullptr && !take_handler()) return;
  note_held();  // The end of the handshake is nobody's write.
  if (!is(kOpenedToHandler)) {
    open_to_handler();
  } else {
    if (!is(kClosing)) call("on_secure", [this] { handler_->on_secure(*this); });
    advance();
    refile();
  }
  read_news();
  uncork();
}

void ConnectionCore::uncork() {
  tls_stream().uncork();
  advance();
  if (tls_stream().has_news()) be_due();
}

// On the serving side the alert is to arrive: the peer may still be sending, and closing then would
// answer that with a reset, which overtakes it.
void ConnectionCore::not_secured() {
  LoopCounters::add(core().count().handshakes_failed);
  TlsStream& tls = tls_stream();
  core().tls().tell_failure(config().name,
                            "TLS handshake with " + peer_.text() + " failed: " + tls.failure());
  const auto side = tls.serves() ? CloseReason::Side::peer : CloseReason::Side::us;
  if (!tls.serves() || tls.is_broken()) {
    return finish(CloseReason::Code::handshake, side, tls.error_number());
  }
  close_with_alert(CloseReason::Code::handshake);
}

void ConnectionCore::close_with_alert(CloseReason::Code code) {
  drop_output();
  drop_tail();
  phase_ = Phase::open;
  reason_ = {code, CloseReason::Side::peer, 0};
  since_ = stamp();
  set(kClosing);
  clear(kDrainDue);
  clear(kAgain);
  if (!is(kInCallback)) be_due();
}

void ConnectionCore::handshake_timed_out() {
  LoopCounters::add(core().count().handshakes_failed);
  core().tls().tell_failure(config().name,
                            "TLS handshake with " + peer_.text() + " failed: not done within " +
                                std::to_string(config().timeouts.handshake.count()) + " ms");
  cut(CloseReason::Code::handshake, ETIMEDOUT);
}

void ConnectionCore::tls_lost(int error) {
  switch (tls_stream().fault()) {
    case CloseReason::Code::tls:
      return close_with_alert(CloseReason::Code::tls);
    case CloseReason::Code::tls_truncated:
      return finish(CloseReason::Code::tls_truncated, CloseReason::Side::peer, 0, true);
    default:
      return lost(error);
  }
}

// After a call of the stream's that received: it may hold an answer of its own, and it may know the
// end of the stream already, of which the kernel will not tell again. What the peer made it answer
// counts as written, or a peer that reads nothing could ask for ever.
void ConnectionCore::tls_noted() {
  const std::size_t before = out_ == nullptr ? 0 : out_->below;
  note_held();
  if (out_ != nullptr && out_->below > before) static_cast<void>(written());
  if (tls_stream().has_news()) be_due();
}

IoResult ConnectionCore::receive_tls(std::span<std::byte> into) {
  const IoResult got = tls_stream().receive(into);
  tls_noted();
  return got;
}

void ConnectionCore::read_news() {
  if (is_open() && !is(kClosing) && reading() && tls_stream().has_news()) {
    read_ready(ready::kRead);
  }
}

std::size_t ConnectionCore::held() const { return tls_stream().held(); }

bool ConnectionCore::notified() {
  tls_stream().notify();
  note_held();
  return out_ == nullptr;
}

bool ConnectionCore::has_news() const { return tls_stream().has_news(); }

void ConnectionCore::note_held() {
  const std::size_t held = tls_stream().held();
  if (held == (out_ == nullptr ? 0 : out_->below)) return;
  out().below = held;
  if (held > 0 && !is(kBlocked) && !corked()) blocked();
}

bool ConnectionCore::corked() const { return is(kTls) && tls_stream().corked(); }

bool ConnectionCore::push() {
  const std::size_t before = out_->below;
  const int error = tls_stream().push();
  out_->below = tls_stream().held();
  if (error != 0) {
    send_failed(error);
    return false;
  }
  if (out_->below < before) {
    activity_ = stamp();
    judge_low();
  }
  if (out_->below == 0) return true;
  blocked();
  return false;
}

void ConnectionCore::drop_held() { tls_stream().drop_held(); }

}  // namespace weir
