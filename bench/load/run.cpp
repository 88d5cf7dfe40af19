#include "run.hpp"

#include <algorithm>

namespace weir::load {

namespace {

// Streams are sent in whole periods, which larger tables would make needlessly large.
std::size_t pattern_piece(const Plan& plan) {
  const bool streams = plan.scenario == Scenario::bulk || plan.scenario == Scenario::mix;
  return streams ? Pattern::kBulkPeriod - 1 : plan.size;
}

}  // namespace

void Session::on_open(Connection& self) {
  opened_ = true;
  ++run_.meter().open;
  // Both sides waiting for the other to read would wait for ever; what comes is used at once.
  self.hold_reads_when_full(false);
  run_.on_open(*this, self);
}

void Session::on_eof(Connection& self, Bytes) {
  if (!self.closing()) fault("was ended by the server");
  self.close();
}

void Session::on_close(Connection&, const CloseReason& reason) {
  if (opened_) --run_.meter().open;
  run_.on_close(*this, reason);
}

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

Run::Run(const Tools& tools, const Plan& plan, Task done)
    : tools_(tools), plan_(plan), done_(std::move(done)), pattern_(pattern_piece(plan)) {}

void Run::start() {
  begin();
  started_ = machine().now();
  if (dials()) dial_more();
}

// What can be wrong was wrong at the start already, unless a file of certificates went away since.
void Run::dial(std::size_t index) {
  try {
    loop().connect({.to = url_of(index), .timeout = plan_.timeout}, session(index));
  } catch (const SetupError& error) {
    meter().fail(error.what());
    finish();
  }
}

std::size_t Run::due() const {
  const auto ramp = static_cast<Nanos>(plan_.ramp.count()) * 1'000'000;
  const Nanos passed = tools_.machine.now() - started_;
  if (passed >= ramp) return wanted();
  const double share = static_cast<double>(passed) / static_cast<double>(ramp);
  return 1 + static_cast<std::size_t>(share * static_cast<double>(wanted()));
}

void Run::dial_more() {
  if (dialling_ || finished_) return;
  const std::size_t most = std::min(due(), wanted());
  for (std::size_t dials = 0; dialled_ < most && dialled_ - made_ < in_flight_max(); ++dials) {
    if (dials == kDialsPerTurn) {
      dialling_ = true;
      return loop().post([this] {
        dialling_ = false;
        dial_more();
      });
    }
    dial(dialled_++);
  }
  if (dialled_ == most && most < wanted()) ramp_ = loop().after(Millis{1}, [this] { dial_more(); });
}

void Run::enlist(Session& session, Connection& connection, std::size_t place) {
  if (place >= all_made_.size()) all_made_.resize(place + 1);
  session.place_ = place;
  all_made_[place] = {&session, &connection};
}

void Run::strike(const Session& session) {
  const std::size_t place = session.place_;
  if (place < all_made_.size() && all_made_[place].session == &session) all_made_[place] = {};
}

void Run::on_open(Session& session, Connection& connection) {
  if (finished_) return;
  ++made_;
  enlist(session, connection, all_made_.size());
  if (made_ == wanted()) {
    return gate().arrive([this] {
      if (!finished_) measure();
    });
  }
  dial_more();
}

void Run::on_close(Session& session, const CloseReason& reason) {
  strike(session);
  if (finished_) return;
  if (!session.opened()) return not_made(reason);
  if (!session.faulted()) {
    meter().fail("connection " + std::to_string(session.index()) + " was lost: " + reason.text());
  }
  const bool not_begun = made_ < wanted();  // And never will.
  if (++left_ == made_ || not_begun) finish();
}

// Without all of its connections the run would measure something else.
void Run::not_made(const CloseReason& reason) {
  if (finished_) return;
  if (made_ == 0) unreachable_ = reason;
  meter().fail("only " + std::to_string(made_) + " of " + std::to_string(wanted()) +
               " connections were made: " + reason.text());
  finish();
}

// Not sooner: those that are made first would keep both sides from making the others.
void Run::measure() {
  for (const Made& each : all_made_) {
    if (each.session != nullptr) each.session->begin(*each.connection);
  }
  warm_up();
}

void Run::warm_up() {
  later(plan_.warmup, [this] {
    open_window();
    on_window();
    later(plan_.duration, [this] {
      close_window();
      on_window_over();
    });
  });
}

void Run::open_window() {
  meter().begin();
  result_.own_cpu = machine().own_cpu();
  result_.waited = machine().own_wait();
  window_began_ = machine().now();
  window_open_ = true;
  gate().window(true);
}

// Of a server that has fallen silent, the answers that came tell nothing.
void Run::count_silent() {
  const Nanos now = machine().now();
  const Nanos patience = std::max(kSecond, 2 * meter().latency.max());
  Nanos longest = 0;
  std::uint64_t silent = 0;
  for (const Made& each : all_made_) {
    const auto since = each.session != nullptr ? each.session->waits_since() : std::nullopt;
    if (!since || now - *since < patience) continue;
    ++silent;
    longest = std::max(longest, now - *since);
  }
  if (silent == 0) return;
  meter().unanswered += silent;
  meter().latency.record(longest, silent);
  meter().fail(std::to_string(silent) + " connections had not been answered for up to " +
               std::to_string(longest / 1'000'000) + " ms when the measurement ended");
}

void Run::close_window() {
  if (!std::exchange(window_open_, false)) return;
  count_silent();
  result_.duration = machine().now() - window_began_;
  result_.own_cpu = machine().own_cpu() - result_.own_cpu;
  result_.waited = machine().own_wait() - result_.waited;
  gate().window(false);
}

void Run::interrupt(std::string why) {
  if (finished_) return;
  result_.reason = std::move(why);
  finish();
}

void Run::finish() {
  if (std::exchange(finished_, true)) return;
  timer_.cancel();
  ramp_.cancel();
  close_window();
  result_.connections = made_;
  if (result_.reason.empty()) result_.reason = meter().fault();
  const bool idle = meter().messages == 0 && meter().bytes == 0;
  if (result_.reason.empty() && idle) {
    result_.reason = "nothing was answered while it was measured";
  }
  done_();
}

}  // namespace weir::load
