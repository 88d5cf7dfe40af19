// Reading: one shared buffer, a kept tail, the peer's FIN.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "connection_core.hpp"

namespace weir {

bool ConnectionCore::reading() const {
  if (is_any(kEofIn | kUpgrading) && (is(kEofIn) || !is(kClosing))) return false;
  return is(kClosing) || (!is(kPaused) && !(is(kHoldReads) && is(kFull)));
}

// The hot path: one read, one callback, at most one send. Everything else is kept out of line.
void ConnectionCore::on_ready(unsigned what) {
  try {
    if (what != ready::kRead || is_any(kUnusual) || !is_open()) return on_unusual(what);
    if (receive()) read_on();
  } catch (const std::bad_alloc&) {
    cut(CloseReason::Code::memory, ENOMEM);
  }
}

void ConnectionCore::on_unusual(unsigned what) {
  if (phase_ == Phase::securing) return secure();
  if ((what & ready::kWrite) != 0 && is(kBlocked) && is_open()) {
    clear(kBlocked);
    advance();
  }
  if ((what & (ready::kRead | ready::kError)) != 0 && is_open()) read_ready(what);
}

void ConnectionCore::read_ready(unsigned what) {
  if (!reading()) {
    // Nobody wants the input, yet a peer that is gone must be noticed.
    if ((what & ready::kError) == 0) return;
    const int error = stream().error();
    if (error != 0) lost(error);
    return;
  }
  if (read_once()) read_on();
}

bool ConnectionCore::read_once() {
  if (is(kClosing)) return discard();
  if (is(kSplice)) return splice();
  return is(kHasTail) ? receive_behind_tail() : receive();
}

// The buffer was filled, so there is more; but others wait as well.
void ConnectionCore::read_on() {
  for (int reads = 1; reads < LoopCore::kReadsPerTurn && is_open() && reading(); ++reads) {
    if (!read_once()) break;
  }
}

bool ConnectionCore::receive() {
  std::byte* const buffer = core().read_buffer(0);
  const std::span<std::byte> into(buffer, LoopCore::kReadSize);
  const IoResult got = !is(kTls) ? plain().receive(into) : receive_tls(into);
  if (got <= 0) return nothing_read(got);
  const auto size = static_cast<std::size_t>(got);
  bytes_in_ += size;
  activity_ = stamp();
  std::size_t used = 0;
  clear(kAgain);
  call("on_data", [&] { used = handler_->on_data(*this, {buffer, size}); });
  if (used < size || is_any(kMoreToDo) || out_ != nullptr) {
    delivered({buffer, size}, 0, used);
  } else if (is_direct() && !send_direct()) {
    advance();
  }
  return size == LoopCore::kReadSize;
}

bool ConnectionCore::receive_behind_tail() {
  const Bytes tail{this->tail()->bytes};
  const std::size_t kept = tail.size();
  std::byte* const buffer = core().read_buffer(kept);
  const std::span<std::byte> into(buffer + kept, LoopCore::kReadSize);
  const IoResult got = is(kTls) ? receive_tls(into) : plain().receive(into);
  if (got <= 0) return nothing_read(got);
  const auto size = static_cast<std::size_t>(got);
  bytes_in_ += size;
  activity_ = stamp();
  std::memcpy(buffer, tail.data(), kept);
  clear(kAgain);  // What was to be offered again stands in front.
  const Bytes all{buffer, kept + size};
  std::size_t used = 0;
  call("on_data", [&] { used = handler_->on_data(*this, all); });
  delivered(all, kept, used);
  return size == LoopCore::kReadSize;
}

// False, as receive() says that there is no more.
bool ConnectionCore::nothing_read(IoResult got) {
  if (got == 0) {
    reached_eof();
  } else if (got != -EAGAIN && got != -EINTR) {
    is(kTls) && !is(kClosing) ? tls_lost(static_cast<int>(-got)) : lost(static_cast<int>(-got));
  }
  return false;
}

void ConnectionCore::delivered(Bytes all, std::size_t kept, std::size_t used) {
  if (is(kUpgrading) && used < all.size()) return cut(CloseReason::Code::tls_injection);
  if (!is(kClosing)) keep(all, kept, std::min(used, all.size()));
  advance();
}

// Keeps what was not used. `kept` bytes of it, in front, are the tail as it is.
void ConnectionCore::keep(Bytes all, std::size_t kept, std::size_t used) {
  const Bytes unused = all.subspan(used);
  if (unused.empty()) {
    drop_tail();
    return;
  }
  Tail& tail = is(kHasTail) ? *this->tail() : make_tail();
  if (used > 0 || kept == 0) {
    tail.bytes.assign(unused.begin(), unused.end());
    tail.since = stamp();
  } else {
    tail.bytes.insert(tail.bytes.end(), unused.begin() + static_cast<std::ptrdiff_t>(kept),
                      unused.end());
  }
  if (reading() && unused.size() > config().limits.unread_max) {
    return cut(CloseReason::Code::read_overflow);
  }
  refile();
}

Tail& ConnectionCore::make_tail() {
  splice_by(nullptr);
  put_tail(new Tail);
  set(kHasTail);
  return *tail();
}

std::unique_ptr<Tail> ConnectionCore::take_tail() {
  if (!is(kHasTail)) return nullptr;
  clear(kHasTail);
  std::unique_ptr<Tail> taken(tail());
  put_tail(nullptr);
  return taken;
}

// After resume(), or once a full connection has drained: what was kept, and the FIN that was held back,
// come without new bytes.
void ConnectionCore::offer_again() {
  if (is(kPaused) || is(kClosing)) return;
  if (is(kHasTail) && is(kHoldReads) && is(kFull)) return;  // It was filled again meanwhile.
  if (is(kHasTail)) {
    const std::unique_ptr<Tail> tail = take_tail();
    const Bytes all{tail->bytes};
    std::size_t used = 0;
    call("on_data", [&] { used = handler_->on_data(*this, all); });
    if (is(kClosing)) return;
    if (is(kUpgrading) && used < all.size()) return cut(CloseReason::Code::tls_injection);
    keep(all, 0, std::min(used, all.size()));
  }
  const bool waits = is(kPaused) || (is(kHasTail) && is(kHoldReads) && is(kFull));
  if (is(kEofIn) && !is(kEofTold) && !waits && !is(kClosing)) tell_eof();
  refile();
}

void ConnectionCore::reached_eof() {
  set(kEofIn);
  if (!is(kEndCalled) && !is(kClosing)) reason_.side = CloseReason::Side::peer;
  if (is(kOutDead)) return lost(reason_.error);
  if (is(kAgain)) {
    be_due();  // Behind what is kept.
  } else if (!is(kClosing) && !is(kPaused)) {
    tell_eof();
  }
  advance();
  refile();
}

void ConnectionCore::tell_eof() {
  set(kEofTold);
  const std::unique_ptr<Tail> tail = take_tail();
  const Bytes unused = tail == nullptr ? Bytes() : Bytes(tail->bytes);
  call("on_eof", [&] { handler_->on_eof(*this, unused); });
}

// While closing: what the peer still sends is read and dropped, so that it is not answered by a reset
// which would destroy the output it has not taken yet.
bool ConnectionCore::discard() {
  // Of TLS, what is below: nobody is going to read it.
  const IoResult got = plain().receive({core().read_buffer(0), LoopCore::kReadSize});
  if (got <= 0) return nothing_read(got);
  bytes_in_ += static_cast<std::size_t>(got);
  activity_ = stamp();
  return static_cast<std::size_t>(got) == LoopCore::kReadSize;
}

void ConnectionCore::lost(int error) {
  // After our FIN, with everything taken, a reset only means that the peer did not linger.
  if (is(kClosing) && is(kFinOut)) return finish(reason_.code, reason_.side, error);
  finish(CloseReason::Code::reset, CloseReason::Side::peer, error);
}

void ConnectionCore::pause() {
  if (is(kClosing) || is(kPaused)) return;
  set(kPaused);
  if (!is(kInCallback)) be_due();
}

void ConnectionCore::resume() {
  if (is(kClosing) || !is(kPaused)) return;
  clear(kPaused);
  activity_ = stamp();  // Its silence was ours.
  set(kAgain);
  be_due();
}

void ConnectionCore::hold_reads_when_full(bool hold) {
  put(kHoldReads, hold);
  if (is(kClosing)) return;
  const bool waited = !hold && is(kFull) && is(kHasTail);  // For a drain.
  if (waited) set(kAgain);
  if (waited || !is(kInCallback)) be_due();
}

}  // namespace weir
