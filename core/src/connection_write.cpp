// Writing: gathered in a chain, sent when the callback returns or the turn ends, bounded by marks.
#include <cerrno>

#include "connection_core.hpp"

namespace weir {

namespace {

constexpr int kPieces = 64;  // Of one sendmsg; 1 KiB of stack.

// Larger writes go to the kernel at once: copying them first would cost more than a system call.
constexpr std::size_t kSendNow = 64 << 10;

}  // namespace

Chain& ConnectionCore::out() {
  if (out_ == nullptr) out_ = core().lend_chain();
  return *out_;
}

std::size_t ConnectionCore::pending() const {
  return (out_ == nullptr ? 0 : out_->bytes()) + (is_direct() ? core().direct().size : 0);
}

Flow ConnectionCore::write(Bytes bytes) {
  if (!takes_output()) return Flow::open;
  const bool sendable = is_open() && !blocked_;
  if (sendable && in_callback_ && out_ == nullptr && !is_direct() &&
      bytes.size() <= config().limits.write_high) {
    write_direct(bytes);
    return Flow::open;
  }
  spill_direct();
  if (sendable && in_callback_ && core().in_read_buffer(bytes)) {
    out().borrow(bytes);  // Stays valid until this callback returns, and so does not need a copy.
    return written();
  }
  if (sendable && bytes.size() > kSendNow && out_ == nullptr) {
    bytes = send_now(bytes);
    if (bytes.empty()) return Flow::open;
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
  spill_direct();
  if (!payload.empty()) out().share(payload);
  return written();
}

void ConnectionCore::write_direct(Bytes bytes) {
  if (bytes.empty()) return;
  if (core().in_read_buffer(bytes)) {
    core().direct() = {this, bytes.data(), bytes.size(), nullptr};
  } else {
    const Arena::Piece piece = core().arena().copy(bytes);
    core().direct() = {this, piece.data, bytes.size(), piece.block};
  }
}

void ConnectionCore::spill_direct() {
  if (!is_direct()) return;
  const DirectWrite direct = std::exchange(core().direct(), {});
  out().take(direct.block, {direct.data, direct.size});
}

void ConnectionCore::send_direct() {
  DirectWrite& direct = core().direct();
  const iovec piece{const_cast<std::byte*>(direct.data), direct.size};
  const IoResult sent = stream_->send(&piece, 1);
  if (sent == static_cast<IoResult>(direct.size)) {
    if (direct.block != nullptr) detail::Block::release(direct.block);
    bytes_out_ += direct.size;
    activity_ = stamp();
    direct.owner = nullptr;
    return;
  }
  spill_direct();
  if (sent < 0 && sent != -EAGAIN && sent != -EINTR) return send_failed(static_cast<int>(-sent));
  if (sent > 0) taken(static_cast<std::size_t>(sent));
  blocked();
}

Flow ConnectionCore::written() {
  if (out_ == nullptr) return Flow::open;
  out_->written_turn = core().turn();
  if (!in_callback_) be_due();
  if (!full_ && out_->bytes() > config().limits.write_high) {
    full_ = true;
    out_->full_turn = core().turn();
  }
  if (out_->bytes() > config().limits.write_max) be_due();
  return full_ ? Flow::full : Flow::open;
}

Bytes ConnectionCore::send_now(Bytes bytes) {
  const iovec piece{const_cast<std::byte*>(bytes.data()), bytes.size()};
  const IoResult sent = stream_->send(&piece, 1);
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

void ConnectionCore::flush() {
  while (!out_->empty()) {
    iovec pieces[kPieces];
    const int count = out_->gather(pieces, kPieces);
    std::size_t offered = 0;
    for (int i = 0; i < count; ++i) offered += pieces[i].iov_len;
    const IoResult sent = stream_->send(pieces, count);
    if (sent < 0) {
      if (sent == -EAGAIN || sent == -EINTR) return blocked();
      return send_failed(static_cast<int>(-sent));
    }
    taken(static_cast<std::size_t>(sent));
    if (static_cast<std::size_t>(sent) < offered) return blocked();
  }
  core().return_chain(out_);
  out_ = nullptr;
}

// The kernel has enough. Only now does output get memory of its own.
void ConnectionCore::blocked() {
  blocked_ = true;
  out_->own();
  out_->stalled_since = stamp();
  refile();
}

void ConnectionCore::taken(std::size_t bytes) {
  bytes_out_ += bytes;
  activity_ = stamp();
  out_->consume(bytes);
  if (full_ && out_->bytes() <= config().limits.write_low) {
    full_ = false;
    if (!closing_) {
      drain_due_ = true;
      be_due();
    }
  }
}

// What the peer sent before it went is still delivered, where somebody reads it.
void ConnectionCore::send_failed(int error) {
  const bool read_on = reading() && !closing_;
  drop_output();
  if (!read_on) return lost(error);
  out_dead_ = true;
  reason_.error = error;
  if (!in_callback_) be_due();
}

// The cap: only a connection that was full before this turn and was written to in it all the same.
void ConnectionCore::judge_output() {
  if (out_ == nullptr || !full_ || closing_) return;
  if (out_->bytes() <= config().limits.write_max) return;
  const std::uint32_t turn = core().turn();
  if (out_->full_turn != turn && out_->written_turn == turn) {
    cut(CloseReason::Code::write_overflow);
  }
}

void ConnectionCore::drop_output() {
  full_ = false;
  blocked_ = false;
  drain_due_ = false;
  spill_direct();
  if (out_ == nullptr) return;
  out_->clear();
  core().return_chain(out_);
  out_ = nullptr;
}

void ConnectionCore::want() {
  if (!is_open()) return;
  const unsigned what = (reading() ? ready::kRead : 0u) | (blocked_ ? ready::kWrite : 0u);
  if (what == wanted_) return;
  wanted_ = static_cast<std::uint8_t>(what);
  stream_->want(what);
}

}  // namespace weir
