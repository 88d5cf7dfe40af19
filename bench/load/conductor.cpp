#include "conductor.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <system_error>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include <weir/base.hpp>

#include "agent.hpp"

namespace weir::load {

namespace {

constexpr std::uint32_t kConnected = 2;  // The gates: the start, all connected,
constexpr std::uint32_t kTouched = 3;    // and one echo on each, of idle.
constexpr Nanos kWatchEvery = kSecond / 10;
constexpr Nanos kLeavingMost = 4 * kSecond;

void pause_for(Nanos time) { std::this_thread::sleep_for(std::chrono::nanoseconds(time)); }

}  // namespace

Conductor::Conductor(const Plan& plan, ServerProcesses* server, Watching watching)
    : plan_(plan),
      server_(server),
      watching_(std::move(watching)),
      pages_(static_cast<std::size_t>(plan.agents)),
      timeline_(pages_.all(), plan, watching_.on_second) {}

Conductor::~Conductor() {
  for (const pid_t agent : agents_) {
    if (agent > 0) ::kill(agent, SIGKILL);
  }
  reap(true);
}

std::unique_ptr<Outcome> Conductor::run() {
  if (plan_.scenario == Scenario::idle) memory_before_ = look(true).memory;
  start_agents();
  while (!over()) {
    turn();
    pause_for(until_next_look());
  }
  follow_window();
  merge(*outcome_, pages_.all(), plan_);
  outcome_->seconds = timeline_.take();
  if (outcome_->reason.empty() && !restless_.empty()) {
    outcome_->reason = restless_;
    outcome_->limit = Limit::errors;
  }
  judge(*outcome_, plan_);
  for (Page& page : pages_.all()) page.leave = true;
  const Nanos patience = machine_.now() + kLeavingMost;
  while (machine_.now() < patience) {
    reap(false);
    if (std::all_of(agents_.begin(), agents_.end(), [](pid_t agent) { return agent == 0; })) break;
    pause_for(kSecond / 1'000);
  }
  return std::move(outcome_);
}

// Each look takes time from the CPU it is on, which may be an agent's.
Nanos Conductor::until_next_look() const {
  constexpr Nanos often = kSecond / 1'000;
  constexpr Nanos seldom = kSecond / 100;
  return window_left() > 5 * seldom ? seldom : often;
}

Nanos Conductor::window_left() const {
  if (!in_window_) return 0;
  const Nanos whole = static_cast<Nanos>(plan_.duration.count()) * 1'000'000;
  const Nanos now = SystemMachine().now();
  const Nanos passed = now - std::min(now, timeline_.began());
  return whole > passed ? whole - passed : 0;
}

// Nothing of this process but the plan and the page is for the agent, whose end is its own.
void Conductor::start_agents() {
  for (std::size_t i = 0; i < pages_.all().size(); ++i) {
    const pid_t agent = ::fork();
    if (agent < 0) {
      throw SetupError("cannot start agent " + std::to_string(i + 1) + ": " +
                           std::generic_category().message(errno),
                       SetupError::Kind::system);
    }
    if (agent == 0) ::_exit(run_agent(plan_.share(i), pages_.all()[i]));
    agents_.push_back(agent);
  }
}

void Conductor::turn() {
  reap(false);
  follow_window();
  let_pass();
  watch();
  if (watching_.interrupted != nullptr && *watching_.interrupted != 0) stop_all();
}

bool Conductor::over() const {
  const auto pages = pages_.all();
  return std::all_of(pages.begin(), pages.end(),
                     [](const Page& page) { return page.finished.load(); });
}

// One that died without a word, as when memory ran out, has no figures; the others' are of no use then.
void Conductor::reap(bool wait) {
  for (std::size_t i = 0; i < agents_.size(); ++i) {
    int status = 0;
    if (agents_[i] == 0 || ::waitpid(agents_[i], &status, wait ? 0 : WNOHANG) == 0) continue;
    agents_[i] = 0;
    Page& page = pages_.all()[i];
    if (page.finished) continue;
    page.reason.set("agent " + std::to_string(i + 1) + " died" +
                    (WIFSIGNALED(status) ? " of signal " + std::to_string(WTERMSIG(status)) : ""));
    page.failed = 71;
    page.finished = true;
    stop_all();
  }
}

void Conductor::stop_all() {
  for (Page& page : pages_.all()) page.stop = true;
}

// A gate opens when everybody is there. If one has given up, nobody measures.
void Conductor::let_pass() {
  std::uint32_t least = UINT32_MAX;
  bool given_up = false;
  for (const Page& page : pages_.all()) {
    given_up = given_up || (page.finished && page.arrived < passed_ + 1);
    if (!page.finished) least = std::min(least, page.arrived.load());
  }
  if (least == UINT32_MAX || least <= passed_) {
    if (given_up && passed_ >= 1 && windows_ == 0) stop_all();
    return;
  }
  if (given_up && windows_ == 0) return stop_all();
  at_gate(++passed_);
  for (Page& page : pages_.all()) page.may_pass = passed_;
}

void Conductor::at_gate(std::uint32_t gate) {
  if (plan_.scenario != Scenario::idle || server_ == nullptr) return;
  if (gate == kConnected) server_figures().growth = settled();
  if (gate == kTouched) server_figures().growth_touched = settled();
}

ServerFigures& Conductor::server_figures() {
  std::optional<ServerFigures>& figures = outcome_->server;
  return figures ? *figures : figures.emplace();
}

// Being connected is the kernel's doing: the server may still have most of them to accept. Its memory
// has to stand still from one look to the next, but for what a collector moves.
std::optional<std::int64_t> Conductor::settled() {
  constexpr int looks_most = 50;
  std::int64_t last = 0;
  for (int looks = 0; looks < looks_most; ++looks) {
    const auto memory = look(true).memory;
    if (!memory || !memory_before_) return {};
    const std::int64_t growth = *memory - *memory_before_;
    const std::int64_t change = std::abs(growth - std::exchange(last, growth));
    if (looks > 0 && change <= std::max<std::int64_t>(64 << 10, growth / 200)) return growth;
    pause_for(kSecond / 5);
  }
  restless_ = "the memory of the server does not stand still";
  return {};
}

ServerUse Conductor::look(bool with_memory) {
  if (server_ != nullptr) return server_->look(with_memory);
  ServerUse nothing;
  nothing.when = machine_.now();
  return nothing;
}

// All agents pass the same gate, so their windows open and close within a few milliseconds.
void Conductor::follow_window() {
  std::uint32_t opened = UINT32_MAX;
  std::uint32_t closed = 0;
  for (const Page& page : pages_.all()) {
    opened = std::min(opened, page.opened.load());
    closed = std::max(closed, page.closed.load());
  }
  if (opened > windows_ && !in_window_) {
    ++windows_;
    in_window_ = true;
    window_began_ = look(true);
    timeline_.begin(window_began_.when, window_began_);
  }
  if (!in_window_) return;
  const Nanos now = machine_.now();
  const bool over = closed >= windows_;
  if (!over && now - timeline_.last_cut() < kSecond) return;
  // What is left of the last second is too short to be one.
  const bool scrap = over && !timeline_.empty() && now - timeline_.last_cut() < kSecond / 10;
  if (!scrap) timeline_.cut(now, look(!over));
  if (!over) return;
  in_window_ = false;
  if (server_ == nullptr) return;
  const ServerShare share = share_between(window_began_, look(false));
  const auto pids = server_->pids();
  ServerFigures& figures = server_figures();
  figures.pids.assign(pids.begin(), pids.end());
  figures.cpu_share = share.cpu;
  figures.busiest_share = share.busiest;
}

void Conductor::watch() {
  const Nanos now = machine_.now();
  if (!watching_.on_progress || now < next_watch_) return;
  next_watch_ = now + kWatchEvery;
  Progress progress;
  for (const Page& page : pages_.all()) {
    progress.connections += page.meter.open;
    progress.errors += page.meter.errors;
  }
  using Phase = Progress::Phase;
  progress.phase = in_window_              ? Phase::measuring
                   : windows_ > 0          ? Phase::finishing
                   : passed_ >= kConnected ? Phase::warming_up
                                           : Phase::connecting;
  progress.left = window_left();
  progress.second = timeline_.empty() ? nullptr : &timeline_.last();
  watching_.on_progress(progress);
}

}  // namespace weir::load
