// A relay's behaviour: what is carried across, when a direction is spliced, and how it ends.
#include "relay.hpp"

#include <cerrno>
#include <string>

#include <weir/text.hpp>
#include <weir/tls.hpp>

#include "connection_core.hpp"
#include "connector.hpp"

namespace weir {

namespace {

constexpr std::size_t kTargetsMost = 1'024;
constexpr Millis kTellEvery{1'000};  // One line about targets that cannot be reached.

}  // namespace

RelayTargets::RelayTargets(Loop& loop, std::vector<ConnectOptions> to)
    : loop_(loop), to_(std::move(to)) {
  if (to_.empty() || to_.size() > kTargetsMost) {
    throw SetupError("a relay has 1 to 1024 targets, not " + std::to_string(to_.size()));
  }
  for (const ConnectOptions& target : to_) {
    target.check();
    if (target.to.value("verify") == "off") {
      loop_.log(Level::warn, "nobody checks who " + target.to.text() +
                                 " is (verify=off): whoever is in between can read and change "
                                 "everything");
    }
  }
}

void RelayTargets::missed(const ConnectOptions& target, const CloseReason& reason,
                          std::string_view why) {
  Missed& missed = missed_[{&target, reason.code, reason.error}];
  ++missed.dials;
  const SteadyTime now = loop_.now();
  if (missed.told && now - *missed.told < kTellEvery) return;
  missed.told = now;
  std::string line = "cannot reach " + escape(target.to.text()) + ": ";
  line += reason.error == ELOOP ? "that is this service itself" : reason.text();
  if (!why.empty()) line += ": " + std::string(why);
  if (missed.dials > 1) {
    line += " (" + std::to_string(missed.dials) + " attempts failed so since the last line)";
  }
  loop_.log(Level::warn, line);
  missed.dials = 0;
}

std::unique_ptr<Handler> make_relay(RelayTargets& targets) {
  return std::make_unique<RelayNear>(targets);
}

RelayHalf::~RelayHalf() {
  if (other_ != nullptr) other_->other_ = nullptr;
}

void RelayHalf::join(RelayHalf& other) {
  other_ = &other;
  other.other_ = this;
}

void RelayHalf::begin(Connection& self) { self_ = static_cast<ConnectionCore*>(&self); }

std::size_t RelayHalf::on_data(Connection&, Bytes data) {
  if (other_ == nullptr) return data.size();
  if (other_->self_->pass(data) == Flow::full) self_->pause();
  if (data.size() < LoopCore::kReadSize) {
    full_reads_ = 0;
  } else if (++full_reads_ == kFullReads) {
    full_reads_ = 0;
    small_splices_ = 0;
    if (self_->can_splice() && other_->self_->can_splice()) self_->splice_by(this);
  }
  return data.size();
}

bool RelayHalf::splice() {
  if (other_ == nullptr || other_->self_->pending() > 0) return false;
  if (!other_->self_->takes_output()) {
    self_->pause();
    return true;
  }
  LoopCore& core = self_->service().core();
  LentPipe pipe = core.pipes().take(core.tick());
  if (pipe == nullptr) return false;
  const IoResult got = self_->splice_in(*pipe);
  // Where there is nothing, perhaps urgent data comes next, or this cannot be spliced: a read knows.
  if (got <= 0) return self_->closing();
  if (static_cast<std::size_t>(got) >= kSmallSplice) {
    small_splices_ = 0;
  } else if (++small_splices_ == kSmallSplices) {
    self_->splice_by(nullptr);
  }
  other_->self_->splice_out(std::move(pipe));
  if (other_->self_->pending() > 0) self_->pause();
  return true;
}

void RelayHalf::on_eof(Connection& self, Bytes) {
  if (other_ == nullptr) return self.close();
  other_->self_->end();
  half_close();
  other_->half_close();
}

void RelayHalf::on_drain(Connection&) {
  if (other_ != nullptr) other_->self_->resume();
}

// Silence is silence of both: a side that is not read, because the other is still taking what came from
// it, only looks silent. Bytes that wait for a side which takes none are not silence either: an end in
// order would pass for the end of the data.
void RelayHalf::on_idle(Connection&) {
  const auto why = stopping_ ? CloseReason::Code::stopping : CloseReason::Code::idle;
  if (other_ == nullptr) return self_->close_as(why);
  ConnectionCore& other = *other_->self_;
  if (!other_->open_) return self_->cut(why);
  other.peer_takes();
  if (self_->active_as(other)) return;
  if (self_->pending() > 0 || other.pending() > 0) {
    // The write-stall time bounds it, or else the drain deadline.
    if (!stopping_ && !self_->bounds_stalls()) self_->cut(why);
    return;
  }
  if (half_closed_ && !stopping_) return self_->cut(CloseReason::Code::half_closed);
  self_->close_as(why);
  other.close_as(why);
}

void RelayHalf::half_close() {
  half_closed_ = true;
  self_->half_closed_is_idle();
}

void RelayHalf::stop() {
  stopping_ = true;
  self_->restart_waiting();
  self_->set_idle(kDrainSilence);
}

// Both FINs have passed when a connection ended in order, and the other may still be sending; one that
// is closing goes on delivering. Any other end is told as what it is: nobody may take it for the end of
// the data.
void RelayHalf::end_other(const CloseReason& reason) {
  RelayHalf* const other = std::exchange(other_, nullptr);
  if (other == nullptr) return;
  other->other_ = nullptr;
  if (reason.code == CloseReason::Code::ended || other->self_->closing()) return;
  other->self_->cut(reason.code, reason.error);
}

RelayFar::RelayFar(RelayNear& near) { join(near); }

void RelayFar::on_open(Connection&) {
  open_ = true;
  self_->be_relayed();
  if (other_ != nullptr) static_cast<RelayNear*>(other_)->reached();
}

void RelayFar::on_stop(Connection&) { stop(); }

void RelayFar::on_close(Connection& self, const CloseReason& reason) {
  if (open_ || other_ == nullptr) return end_other(reason);
  auto* const near = static_cast<RelayNear*>(std::exchange(other_, nullptr));
  const TlsInfo* const tls = self.tls();
  near->missed(reason, tls == nullptr ? std::string_view() : tls->failure);
}

RelayNear::RelayNear(RelayTargets& targets) : targets_(targets) {
  first_ = static_cast<std::uint16_t>(targets_.next_);
  targets_.next_ = (targets_.next_ + 1) % targets_.to_.size();
}

// What the client sends at once waits in the kernel, whose buffer is its bound.
void RelayNear::on_open(Connection& self) {
  begin(self);
  open_ = true;
  self_->be_relayed();
  self.pause();
  dial();
}

const ConnectOptions& RelayNear::target() const {
  return targets_.to_[(std::size_t{first_} + tried_) % targets_.to_.size()];
}

void RelayNear::dial() {
  ConnectOptions options = target();
  // A number was compared with the listeners at start; what a name means shows only when dialled.
  const Url& to = options.to;
  if (!to.is_unix() && !Address::parse(to.host(), to.port())) options.except = self_->local();
  auto handler = std::make_unique<RelayFar>(*this);
  RelayFar& far = *handler;
  far.use(self_->loop().connect(options, std::move(handler)));
}

void RelayNear::reached() {
  self_->restart_waiting();
  self_->resume();
}

void RelayNear::missed(const CloseReason& reason, std::string_view why) {
  other_ = nullptr;
  if (self_->closing()) return;
  if (reason.code == CloseReason::Code::stopping) return self_->close_as(reason.code);
  targets_.missed(target(), reason, why);
  if (++tried_ == targets_.to_.size()) return self_->cut(reason.code, reason.error);
  try {
    dial();
  } catch (...) {  // This is the other's on_close, whose exceptions do not end this one.
    self_->service().core().threw(&self_->service(), "the next dial");
    self_->cut(CloseReason::Code::handler_threw);
  }
}

void RelayNear::on_stop(Connection& self) {
  if (other_ != nullptr && !is_open(*other_)) return self.close();
  stop();
}

void RelayNear::on_close(Connection&, const CloseReason& reason) { end_other(reason); }

}  // namespace weir
