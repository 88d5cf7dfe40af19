// Moving a connection to another loop: everything it consists of, and nothing else.
#include "connection_core.hpp"

namespace weir {

std::unique_ptr<Frozen> ConnectionCore::freeze() {
  if (!is_open() || is(kClosing) || is(kInCallback) || !is(kOpenedToHandler) ||
      is_any(kOutDead | kTls | kUpgrading))
    return nullptr;
  auto frozen = std::make_unique<Frozen>();
  bool willing = false;
  call("freeze", [&] { willing = handler_->freeze(frozen->state); });
  spill_direct();
  if (!willing || is(kClosing)) return nullptr;

  frozen->peer = peer_;
  frozen->id = id_;
  frozen->bytes_in = bytes_in_;
  frozen->bytes_out = bytes_out_;
  frozen->idle = Millis{idle_};
  frozen->silent = Millis{static_cast<std::uint32_t>(stamp() - activity_)};
  frozen->paused = is(kPaused);
  frozen->hold_reads = is(kHoldReads);
  frozen->eof_in = is(kEofIn);
  frozen->eof_told = is(kEofTold);
  frozen->end_called = is(kEndCalled);
  frozen->fin_out = is(kFinOut);
  frozen->full = is(kFull);
  frozen->drain_due = is(kDrainDue);
  frozen->again = is(kAgain);
  if (out_ != nullptr) out().read(frozen->output);
  if (is(kHasTail)) frozen->input = std::move(aside_.tail->bytes);

  finish(CloseReason::Code::moved, CloseReason::Side::us);
  core().forget(*this);
  tell_close();
  frozen->socket = stream().release();
  return frozen;
}

bool ConnectionCore::thaw(Frozen& frozen) {
  begin(frozen.socket);
  id_ = frozen.id;
  if (!take_handler()) return false;
  bytes_in_ = frozen.bytes_in;
  bytes_out_ = frozen.bytes_out;
  idle_ = static_cast<std::uint32_t>(frozen.idle.count());
  activity_ = stamp() - static_cast<std::uint32_t>(frozen.silent.count());
  put(kPaused, frozen.paused);
  put(kHoldReads, frozen.hold_reads);
  put(kEofIn, frozen.eof_in);
  put(kEofTold, frozen.eof_told);
  put(kEndCalled, frozen.end_called);
  put(kFinOut, frozen.fin_out);
  put(kAgain, frozen.again);
  if (!frozen.output.empty()) out().copy(Bytes(frozen.output));
  if (frozen.full) {
    set(kFull);
    out().full_turn = core().turn();
  }
  put(kDrainDue, frozen.drain_due);
  if (!frozen.input.empty()) {
    Tail& tail = make_tail();
    tail.bytes = std::move(frozen.input);
    tail.since = stamp();
  }
  set(kOpenedToHandler);
  call("thaw", [&] { handler_->thaw(*this, frozen.state); });
  be_due();
  advance();
  refile();
  return true;
}

}  // namespace weir
