// Writing: gathered in a chain, sent when the callback returns or the turn ends, bounded by marks.
#include <cerrno>

#include "connection_core.hpp"

namespace weir {

namespace {

constexpr int kPieces = 64;  // Of one sendmsg; 1 KiB of stack.

// Larger writes go to the kernel at once: copying them first would cost more than a system call.
constexpr std::size_t kSendNow = 64 << 10;

// Smaller writes are copied even out of the read buffer: side by side they leave as one piece.
constexpr std::size_t kBorrowLeast = 512;

}  // namespace

Chain& ConnectionCore::out() {
  if (out_ == nullptr) out_ = core().lend_chain();
  if (out_->pipe() != nullptr) reclaim_pipe();
  return *out_;
}

std::size_t ConnectionCore::pending() const {
  const std::size_t early = is(kUpgrading) ? early_bytes() : 0;
  return early + (out_ == nullptr ? 0 : out_->bytes()) +
         (is_direct() ? core().direct().piece.iov_len : 0);
}

Flow ConnectionCore::write(Bytes bytes) {
  constexpr std::uint32_t asked =
      kInCallback | kBlocked | kClosing | kEndCalled | kOutDead | kUpgrading;
  LoopCore& loop = core();
  DirectWrite& direct = loop.direct();
  const bool only = (flags_ & asked) == kInCallback && is_open() && out_ == nullptr &&
                    direct.owner == nullptr && bytes.size() - 1 < config().limits.write_high;
  if (!only) return write_more(bytes);
  direct.owner = this;
  direct.block = nullptr;
  direct.piece = {const_cast<std::byte*>(bytes.data()), bytes.size()};
  if (!loop.in_read_buffer(bytes)) copy_direct();
  return Flow::open;
}

// Out of the read buffer it would be gone when the callback returns.
void ConnectionCore::copy_direct() {
  DirectWrite& direct = core().direct();
  const auto* const data = static_cast<const std::byte*>(direct.piece.iov_base);
  direct.owner = nullptr;  // Should there be no memory for it.
  const Arena::Piece piece = core().arena().copy({data, direct.piece.iov_len});
  direct.owner = this;
  direct.piece.iov_base = piece.data;
  direct.block = piece.block;
}

Flow ConnectionCore::write_more(Bytes bytes) {
  if (!takes_output()) return Flow::open;
  if (bytes.empty()) return is(kFull) ? Flow::full : Flow::open;  // Nothing that could be too much.
  if (is(kUpgrading)) return write_early(bytes);
  const bool sendable = is_open() && !is(kBlocked);
  spill_direct();
  const bool stays = is(kInCallback) && core().in_read_buffer(bytes);
  if (sendable && stays && bytes.size() >= kBorrowLeast) {
    out().borrow(bytes);  // Stays valid until this callback returns, and so does not need a copy.
    return written();
  }
  if (sendable && bytes.size() > kSendNow && out_ == nullptr) {
    bytes = send_now(bytes);
    if (bytes.empty()) return is(kTls) ? written() : Flow::open;
    out().copy(bytes);
  } else if (!bytes.empty()) {
    if (sendable) {
      out().copy(bytes, core().arena());
    } else {
      out().copy(bytes);
    }
  }
  return written();
}

Flow ConnectionCore::write(const Payload& payload) {
  if (!takes_output()) return Flow::open;
  if (is(kUpgrading)) return write_early(payload.bytes());
  spill_direct();
  if (!payload.empty()) out().share(payload);
  return written();
}

void ConnectionCore::spill_direct() {
  if (!is_direct()) return;
  const DirectWrite direct = std::exchange(core().direct(), {});
  out().take(direct.block,
             {static_cast<const std::byte*>(direct.piece.iov_base), direct.piece.iov_len});
}

bool ConnectionCore::send_direct() {
  if (is(kTls)) return send_direct_tls();
  const iovec& piece = core().direct().piece;
  const IoResult sent = plain().send(&piece, 1);
  if (sent != static_cast<IoResult>(piece.iov_len)) return not_all_taken(sent);
  all_taken();
  return out_ == nullptr;
}

bool ConnectionCore::send_direct_tls() {
  const iovec& piece = core().direct().piece;
  const IoResult sent = stream().send(&piece, 1);
  if (sent != static_cast<IoResult>(piece.iov_len)) return not_all_taken(sent);
  all_taken();
  note_held();
  return out_ == nullptr;
}

void ConnectionCore::all_taken() {
  DirectWrite& direct = core().direct();
  bytes_out_ += direct.piece.iov_len;
  activity_ = stamp();
  direct.owner = nullptr;
  if (direct.block != nullptr) detail::Block::release(direct.block);
}

// False, as send_direct() says.
bool ConnectionCore::not_all_taken(IoResult sent) {
  spill_direct();
  if (is(kTls)) out_->below = held();
  if (sent < 0 && sent != -EAGAIN && sent != -EINTR) {
    send_failed(static_cast<int>(-sent));
    return false;
  }
  if (sent > 0) taken(static_cast<std::size_t>(sent));
  blocked();
  return false;
}

Flow ConnectionCore::written() {
  if (out_ == nullptr) return Flow::open;
  out_->written_turn = core().turn();
  if (!is(kInCallback)) be_due();
  if (!is(kFull) && out_->bytes() > config().limits.write_high) {
    set(kFull);
    out_->full_turn = core().turn();
  }
  if (out_->bytes() > config().limits.write_max) be_due();
  return is(kFull) ? Flow::full : Flow::open;
}

Bytes ConnectionCore::send_now(Bytes bytes) {
  const iovec piece{const_cast<std::byte*>(bytes.data()), bytes.size()};
  const IoResult sent = stream().send(&piece, 1);
  if (is(kTls)) note_held();
  if (sent < 0) {
    if (sent == -EAGAIN || sent == -EINTR) return bytes;
    send_failed(static_cast<int>(-sent));
    return {};
  }
  const auto size = static_cast<std::size_t>(sent);
  bytes_out_ += size;
  activity_ = stamp();
  return bytes.subspan(size);
}

IoResult ConnectionCore::send_front(std::size_t& offered) {
  if (Pipe* const pipe = out_->pipe()) {
    offered = pipe->held();
    return stream().splice_out(*pipe);
  }
  iovec pieces[kPieces];
  const int count = out_->gather(pieces, kPieces);
  for (int i = 0; i < count; ++i) offered += pieces[i].iov_len;
  const IoResult sent = stream().send(pieces, count);
  if (is(kTls)) out_->below = held();
  return sent;
}

void ConnectionCore::flush() {
  if (out_->below > 0 && !corked() && !push()) return;
  while (!out_->empty()) {
    std::size_t offered = 0;
    const IoResult sent = send_front(offered);
    if (sent < 0) {
      if (sent == -EAGAIN || sent == -EINTR) return blocked();
      if (out_->pipe() == nullptr || !cannot_splice(sent)) {
        return send_failed(static_cast<int>(-sent));
      }
      reclaim_pipe();
      continue;
    }
    taken(static_cast<std::size_t>(sent));
    if (static_cast<std::size_t>(sent) < offered) return blocked();
  }
  if (out_->below > 0) {
    if (!corked()) blocked();
    return;
  }
  out_->release_pipe();
  core().return_chain(out_);
  out_ = nullptr;
}

// The kernel has enough. Only now does output get memory of its own.
void ConnectionCore::blocked() {
  set(kBlocked);
  out_->own();
  out_->stalled_since = stamp();
  out_->unsent = stream().unacknowledged().value_or(0);
  refile();
}

void ConnectionCore::taken(std::size_t bytes) {
  bytes_out_ += bytes;
  activity_ = stamp();
  out_->consume(bytes);
  judge_low();
}

void ConnectionCore::judge_low() {
  // A pipe is filled again only when it is empty.
  const std::size_t low = out_->pipe() == nullptr ? config().limits.write_low : 0;
  if (is(kFull) && out_->bytes() <= low) {
    clear(kFull);
    if (!is(kClosing)) {
      set(kDrainDue);
      put(kAgain, is(kAgain) || is(kHasTail));
      be_due();
    }
  }
}

// What the peer sent before it went is still delivered, where somebody reads it.
void ConnectionCore::send_failed(int error) {
  const bool read_on = reading() && !is(kClosing);
  drop_output();
  if (!read_on) return lost(error);
  set(kOutDead);
  reason_.error = error;
  if (!is(kInCallback)) be_due();
}

// The cap: only a connection that was full before this turn and was written to in it all the same.
void ConnectionCore::judge_output() {
  if (out_ == nullptr || !is(kFull) || is(kClosing)) return;
  if (out_->bytes() <= config().limits.write_max) return;
  const std::uint32_t turn = core().turn();
  if (out_->full_turn != turn && out_->written_turn == turn) {
    cut(CloseReason::Code::write_overflow);
  }
}

void ConnectionCore::drop_output() {
  clear(kFull);
  clear(kBlocked);
  clear(kDrainDue);
  spill_direct();
  if (is(kTls)) drop_held();
  if (out_ == nullptr) return;
  out_->clear();
  core().return_chain(out_);
  out_ = nullptr;
}

void ConnectionCore::want() {
  if (!is_open()) return;
  const unsigned what = (reading() ? ready::kRead : 0u) | (is(kBlocked) ? ready::kWrite : 0u);
  if (what == wanted_) return;
  // What was kept while nobody read did not make the peer late.
  const bool reads_again = (what & ~unsigned{wanted_} & ready::kRead) != 0;
  wanted_ = static_cast<std::uint8_t>(what);
  if (reads_again && is(kHasTail)) {
    tail()->since = stamp();
    refile();
  }
  if (reads_again && is(kTls) && has_news()) be_due();
  stream().want(what);
}

}  // namespace weir
