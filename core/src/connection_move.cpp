// Moving a connection to another loop: everything it consists of, and nothing else.
#include "connection_core.hpp"

namespace weir {

std::unique_ptr<Frozen> ConnectionCore::freeze() {
  if (!is_open() || closing_ || in_callback_ || !opened_to_handler_ || out_dead_) return nullptr;
  auto frozen = std::make_unique<Frozen>();
  bool willing = false;
  call("freeze", [&] { willing = handler_->freeze(frozen->state); });
  spill_direct();
  if (!willing || closing_) return nullptr;

  frozen->peer = peer_;
  frozen->id = id_;
  frozen->bytes_in = bytes_in_;
  frozen->bytes_out = bytes_out_;
  frozen->idle = Millis{idle_};
  frozen->silent = Millis{static_cast<std::uint32_t>(stamp() - activity_)};
  frozen->paused = paused_;
  frozen->hold_reads = hold_reads_;
  frozen->eof_in = eof_in_;
  frozen->eof_told = eof_told_;
  frozen->end_called = end_called_;
  frozen->fin_out = fin_out_;
  frozen->full = full_;
  frozen->drain_due = drain_due_;
  frozen->again = again_;
  if (out_ != nullptr) out_->read(frozen->output);
  if (tail_ != nullptr) frozen->input = std::move(tail_->bytes);

  finish(CloseReason::Code::moved, CloseReason::Side::us);
  core().forget(*this);
  tell_close();
  frozen->socket = stream_->release();
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
  paused_ = frozen.paused;
  hold_reads_ = frozen.hold_reads;
  eof_in_ = frozen.eof_in;
  eof_told_ = frozen.eof_told;
  end_called_ = frozen.end_called;
  fin_out_ = frozen.fin_out;
  again_ = frozen.again;
  if (!frozen.output.empty()) out().copy(Bytes(frozen.output));
  if (frozen.full) {
    full_ = true;
    out().full_turn = core().turn();
  }
  drain_due_ = frozen.drain_due;
  if (!frozen.input.empty()) {
    tail_ = std::make_unique<Tail>();
    tail_->bytes = std::move(frozen.input);
    tail_->since = stamp();
  }
  opened_to_handler_ = true;
  call("thaw", [&] { handler_->thaw(*this, frozen.state); });
  be_due();
  advance();
  refile();
  return true;
}

}  // namespace weir
