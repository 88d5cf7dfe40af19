// What a relay adds to a connection: writes that leave at once, and bytes that cross in a pipe.
#include <cerrno>

#include "connection_core.hpp"
#include "relay.hpp"

namespace weir {

// The other connection's callback is running, so this one has nothing gathered and nobody else writes.
Flow ConnectionCore::pass(Bytes bytes) {
  if (is(kOutDead)) return Flow::full;  // For ever: the sender is to hear of it, not to be drained.
  constexpr std::uint32_t asked = kClosing | kEndCalled | kBlocked | kOutDead | kUpgrading;
  if (is_any(asked) || !is_open() || out_ != nullptr) return write_more(bytes);
  bytes = send_now(bytes);
  if (bytes.empty()) return is(kTls) ? written() : Flow::open;
  out().copy(bytes);
  blocked();
  return written();
}

// With a trace, every byte is to be seen.
bool ConnectionCore::can_splice() const {
  return is_open() && !is_any(kHasTail | kTls | kUpgrading) && !core().settings().trace;
}

void ConnectionCore::splice_by(RelayHalf* half) {
  if (half == nullptr && !is(kSplice)) return;
  aside_.splicer = half;
  put(kSplice, half != nullptr);
}

bool ConnectionCore::splice() {
  if (aside_.splicer->splice()) return false;
  return receive();
}

IoResult ConnectionCore::splice_in(Pipe& pipe) {
  const IoResult got = stream().splice_in(pipe);
  if (got <= 0) {
    if (got < 0 && !cannot_splice(got)) nothing_read(got);
    return got;
  }
  bytes_in_ += static_cast<std::size_t>(got);
  activity_ = stamp();
  LoopCounters::add(core().count().spliced, static_cast<std::size_t>(got));
  return got;
}

void ConnectionCore::splice_out(LentPipe pipe) {
  out().take(std::move(pipe));
  advance();
  if (out_ == nullptr) return;
  set(kFull);  // Until the pipe is empty.
  out_->full_turn = core().turn();
}

void ConnectionCore::be_relayed() {
  set(kRelayed);
  hold_reads_when_full(false);
}

void ConnectionCore::half_closed_is_idle() {
  const auto limit = static_cast<std::uint32_t>(config().timeouts.half_closed.count());
  if (limit == 0 || is(kClosing) || (idle_ != 0 && idle_ < limit)) return;
  idle_ = limit;
  activity_ = stamp();
  refile();
}

bool ConnectionCore::active_as(const ConnectionCore& other) {
  if (stamp() - other.activity_ >= idle_) return false;
  activity_ = other.activity_;
  return true;
}

bool ConnectionCore::cannot_splice(IoResult result) {
  switch (-result) {
    case EINVAL:
    case ENOSYS:
    case EPERM:
    case EACCES:
    case EOPNOTSUPP:
    case ENOMEM:
      return true;
    default:
      return false;
  }
}

void ConnectionCore::restart_waiting() {
  activity_ = stamp();
  if (bytes_in_ == 0) opened_ = activity_;
  refile();
}

// Others want to write behind it, or the connection moves.
void ConnectionCore::reclaim_pipe() {
  const LentPipe pipe = out_->release_pipe();
  std::vector<std::byte> bytes(pipe->held());
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    const IoResult got = pipe->take_back(std::span(bytes).subspan(taken));
    if (got <= 0) break;
    taken += static_cast<std::size_t>(got);
  }
  out_->copy(Bytes(bytes).first(taken));
}

}  // namespace weir
