#include "run.hpp"

#include <algorithm>

namespace weir::load {

namespace {

bool is_bulk(Scenario scenario) {
  return scenario == Scenario::send || scenario == Scenario::receive;
}

// Streams are sent in whole periods, which larger tables would make needlessly large.
std::size_t pattern_piece(const Plan& plan) {
  const bool streams = is_bulk(plan.scenario) || plan.scenario == Scenario::mix;
  return streams ? Pattern::kBulkPeriod - 1 : plan.size;
}

std::optional<Nanos> difference(std::optional<Nanos> after, std::optional<Nanos> before) {
  if (!after || !before) return {};
  return *after - *before;
}

}  // namespace

void Session::on_open(Connection& self) {
  opened_ = true;
  // Both sides waiting for the other to read would wait for ever; what comes is used at once.
  self.hold_reads_when_full(false);
  run_.on_open(*this, self);
}

void Session::on_eof(Connection& self, Bytes) {
  if (!self.closing()) fault("was ended by the server");
  self.close();
}

void Session::on_close(Connection&, const CloseReason& reason) { run_.on_close(*this, reason); }

std::size_t Session::wrong(Connection& self, Bytes data, const char* what) {
  fault("got a wrong answer near byte " + std::to_string(self.bytes_in() - data.size()) + ": " +
        what);
  self.abort();
  return data.size();
}

void Session::fault(const std::string& sentence) {
  faulted_ = true;
  if (!run_.finished()) {
    run_.meter().fail("connection " + std::to_string(index_) + " " + sentence);
  }
}

Run::Run(Loop& loop, const Plan& plan, Machine& machine, Task done)
    : loop_(loop),
      plan_(plan),
      machine_(machine),
      done_(std::move(done)),
      pattern_(pattern_piece(plan)) {}

void Run::start() {
  begin();
  dial_more();
}

void Run::dial(std::size_t index) {
  loop_.connect({.to = plan_.target_of(index), .timeout = plan_.timeout}, session(index));
}

void Run::dial_more() {
  if (dialling_ || finished_) return;
  for (std::size_t dials = 0; dialled_ < wanted() && dialled_ - made_ < in_flight_max(); ++dials) {
    if (dials == kDialsPerTurn) {
      dialling_ = true;
      return loop_.post([this] {
        dialling_ = false;
        dial_more();
      });
    }
    dial(dialled_++);
  }
}

void Run::on_open(Session& session, Connection& connection) {
  if (finished_) return;
  ++made_;
  all_made_.push_back({&session, &connection});
  if (made_ == wanted()) return measure();
  dial_more();
}

void Run::on_close(Session& session, const CloseReason& reason) {
  if (finished_) return;
  if (!session.opened()) return not_made(reason);
  if (!session.faulted()) {
    meter_.fail("connection " + std::to_string(session.index()) + " was lost: " + reason.text());
  }
  const bool not_begun = made_ < wanted();  // And never will.
  if (++left_ == made_ || not_begun) finish();
}

// Without all of its connections the run would measure something else.
void Run::not_made(const CloseReason& reason) {
  if (finished_) return;
  if (made_ == 0) unreachable_ = reason;
  meter_.fail("only " + std::to_string(made_) + " of " + std::to_string(wanted()) +
              " connections were made: " + reason.text());
  finish();
}

// Not sooner: those that are made first would keep both sides from making the others.
void Run::measure() {
  for (const Made& each : all_made_) each.session->begin(*each.connection);
  warm_up();
}

void Run::warm_up() {
  later(plan_.warmup, [this] {
    open_window();
    later(plan_.duration, [this] {
      close_window();
      finish();
    });
  });
}

void Run::open_window() {
  meter_.messages = 0;
  meter_.bytes = 0;
  meter_.latency.clear();
  result_.server_cpu = machine_.server_cpu();
  result_.own_cpu = machine_.own_cpu();
  window_began_ = machine_.now();
  window_open_ = true;
}

void Run::close_window() {
  if (!std::exchange(window_open_, false)) return;
  result_.duration = machine_.now() - window_began_;
  result_.own_cpu = machine_.own_cpu() - result_.own_cpu;
  result_.server_cpu = difference(machine_.server_cpu(), result_.server_cpu);
  result_.bytes = meter_.bytes;
  result_.messages = is_bulk(plan_.scenario) ? meter_.bytes / plan_.size : meter_.messages;
}

void Run::finish() {
  if (std::exchange(finished_, true)) return;
  timer_.cancel();
  close_window();
  result_.connections = made_;
  result_.errors = meter_.errors;
  result_.reason = meter_.fault;
  if (result_.reason.empty() && result_.messages == 0) {
    result_.reason = "nothing was answered while it was measured";
  }
  done_();
}

}  // namespace weir::load
