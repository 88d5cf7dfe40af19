// A run of `weir bench`, from what was asked to what is printed.
#include <csignal>
#include <ctime>
#include <fstream>

#include <unistd.h>

#include <bench/doctor/doctor.hpp>
#include <bench/doctor/listeners.hpp>
#include <bench/load/conductor.hpp>
#include <bench/report/hdr_log.hpp>
#include <bench/report/html.hpp>
#include <bench/report/live.hpp>
#include <bench/report/result_json.hpp>
#include <bench/report/summary.hpp>
#include <bench/report/words.hpp>
#include <weir/text.hpp>

#include "bench_request.hpp"
#include "process_words.hpp"
#include "terminal.hpp"

namespace weir::program {

namespace {

using load::Conductor;
using load::Outcome;
using load::Plan;
using load::Scenario;

volatile std::sig_atomic_t interrupted = 0;

// The first Ctrl-C ends the measurement and reports, the second one ends the program.
void on_interrupt(int) {
  interrupted = 1;
  std::signal(SIGINT, SIG_DFL);
}

std::string now_utc() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

// A file that is written at the end, and known to be writable before anything is measured.
class ReportFile {
 public:
  explicit ReportFile(std::string path) : path_(std::move(path)) {
    if (!path_.empty()) file_.open(path_, std::ios::binary | std::ios::app);
  }
  bool wanted() const { return !path_.empty(); }
  Exit check() const { return path_.empty() || file_.is_open() ? kDone : refuse(); }
  Exit write(const std::string& text) {
    file_.close();
    file_.open(path_, std::ios::binary | std::ios::trunc);
    file_ << text << std::flush;
    return file_ ? kDone : refuse();
  }

 private:
  Exit refuse() const { return fail(kCannotCreate, "cannot write \"" + escape(path_, 200) + '"'); }

  std::string path_;
  std::ofstream file_;
};

class Bench {
 public:
  explicit Bench(BenchRequest& request)
      : request_(request),
        plan_(request.plan),
        shows_live_(isatty(STDERR_FILENO) == 1),
        paint_live_{has_colours(STDERR_FILENO)},
        paint_{has_colours(STDOUT_FILENO)},
        html_(request.html),
        hdr_(request.hdr) {}

  Exit run() {
    for (const ReportFile* file : {&html_, &hdr_}) {
      if (const Exit wrong = file->check(); wrong != kDone) return wrong;
    }
    std::signal(SIGINT, on_interrupt);
    if (plan_.cpu >= 0) load::pin_to_cpu(static_cast<int>(plan_.cpu));
    ask_doctor();
    find_server();
    if (plan_.scenario == Scenario::rate && plan_.rate == 0 && !request_.find_max) {
      if (const Exit wrong = probe(); wrong != kDone) return wrong;
    }
    const std::string started = now_utc();
    if (request_.find_max) {
      found_ = load::find_max(
          plan_, *request_.find_max, [this](const Plan& plan) { return measure(plan); },
          [this](const load::Trial& trial) { show_trial(trial); });
      if (const auto best = found_->best) use_best(found_->of_rate, *best);
      outcome_ = std::move(found_->outcome);
    } else {
      outcome_ = measure(plan_);
    }
    return report(started);
  }

 private:
  // What stands in the way is told before the run shows it in its own way. Who is not there, the run says.
  void ask_doctor() const {
    load::Intent intent;
    intent.target = plan_.target;
    intent.connections = static_cast<std::uint64_t>(plan_.connections);
    intent.agents = static_cast<std::uint64_t>(plan_.agents);
    intent.sources = plan_.sources;
    intent.targets = plan_.targets;
    intent.storms = plan_.scenario == Scenario::storm;
    intent.churns = plan_.scenario == Scenario::churn || plan_.scenario == Scenario::handshake;
    load::Diagnosis diagnosis = load::diagnose(std::move(intent));
    std::erase_if(diagnosis.findings, [](const load::Finding& finding) {
      return finding.name == "target" || finding.name == "listeners";
    });
    if (!diagnosis.can()) {
      write_all(STDERR_FILENO, load::complaints(diagnosis, paint_live_.on));
    }
  }

  void find_server() {
    std::vector<int> pids = plan_.server_pids;
    if (pids.empty() && plan_.server_pid_text.empty()) pids = load::listeners_of(plan_.target);
    if (!pids.empty()) server_ = std::make_unique<load::SystemServerProcesses>(std::move(pids));
  }

  std::unique_ptr<Outcome> measure(const Plan& plan) {
    load::Watching watching;
    if (hdr_.wanted()) {
      const auto start = std::chrono::system_clock::now();
      log_.emplace(start, std::vector<std::string>{load::headline(plan), "latencies in ns"});
      watching.on_second = [this](const load::Second& second, const load::Histogram& latency) {
        log_->add(second.at - second.span, second.span, latency.counts());
      };
    }
    watching.interrupted = &interrupted;
    if (shows_live_) {
      watching.on_progress = [this](const load::Progress& progress) {
        show(load::live_line(progress, paint_live_));
      };
    }
    auto outcome = Conductor(plan, server_.get(), std::move(watching)).run();
    if (shows_live_) write_all(STDERR_FILENO, "\r\x1b[K");
    return outcome;
  }

  void show(const std::string& line) { write_all(STDERR_FILENO, "\r\x1b[K" + line); }

  // A closed loop with the same connections and messages says what the target can do.
  Exit probe() {
    Plan plan = plan_;
    plan.scenario = plan.send.empty() ? Scenario::echo : Scenario::ask;
    plan.depth = 1;
    plan.duration = std::chrono::seconds(2);
    const auto outcome = measure(plan);
    if (outcome->failed != 0) return failed(*outcome);
    if (outcome->limit == load::Limit::errors || outcome->rate < 2) {
      return fail(kInvalid, "the probe that was to choose a --rate got none: " + outcome->reason);
    }
    plan_.rate = std::max<std::int64_t>(static_cast<std::int64_t>(outcome->rate / 2), plan_.agents);
    notes_.push_back("no --rate was said: half of the " + load::rate_words(outcome->rate) +
                     " a second that a probe of 2 s got");
    probe_p99_ = static_cast<double>(outcome->latency.at(0.99));
    return kDone;
  }

  void use_best(bool of_rate, double best) {
    (of_rate ? plan_.rate : plan_.connections) = static_cast<std::int64_t>(best);
  }

  void show_trial(const load::Trial& trial) {
    if (!shows_live_) return;
    const std::string at = load::rate_words(trial.at) +
                           (plan_.scenario == Scenario::rate ? " a second" : " connections");
    write_all(STDERR_FILENO,
              at + ": " +
                  (trial.holds ? paint_live_.good("holds") : paint_live_.bad(trial.reason)) + "\n");
  }

  Exit failed(const Outcome& outcome) {
    return fail(static_cast<Exit>(outcome.failed), outcome.reason);
  }

  Exit report(const std::string& started) {
    const Outcome& outcome = *outcome_;
    if (outcome.failed != 0) return failed(outcome);
    if (plan_.abuses()) add_abuse_threshold();
    explain_gap();
    const load::Record record{.plan = plan_,
                              .outcome = outcome,
                              .thresholds = request_.thresholds,
                              .found = found_ ? &*found_ : nullptr,
                              .command = process_words(),
                              .notes = notes_,
                              .version = WEIR_VERSION,
                              .started = started,
                              .where = load::environment()};
    const nlohmann::ordered_json result = load::result_json(record);
    const Exit written = html_.wanted() ? html_.write(load::html_report({&result, 1})) : kDone;
    if (written != kDone) return written;
    const Exit logged = hdr_.wanted() && log_ ? hdr_.write(log_->text()) : kDone;
    if (logged != kDone) return logged;
    // What the system says of an error need not be UTF-8.
    constexpr auto replace = nlohmann::ordered_json::error_handler_t::replace;
    const Exit printed = print(request_.json ? result.dump(-1, ' ', false, replace) + "\n"
                                             : load::summary(record, paint_));
    if (printed != kDone) return printed;
    return verdict(record);
  }

  // Who asks again only after an answer meets a stall with few messages, and hardly counts it.
  void explain_gap() {
    const double p99 = static_cast<double>(outcome_->latency.at(0.99));
    if (probe_p99_ == 0 || p99 < 2 * probe_p99_ || p99 - probe_p99_ < 1e6) return;
    notes_.push_back("that probe, a closed loop, saw a p99 of " + load::time_words(probe_p99_) +
                     ", the open loop one of " + load::time_words(p99) +
                     ": a closed loop stops asking while the target stalls, and so leaves out "
                     "those who would have had to wait (coordinated omission)");
  }

  // Beside abuse, a good client that is not served is what is looked for.
  void add_abuse_threshold() {
    for (const load::Threshold& each : request_.thresholds) {
      if (each.figure == load::Threshold::Figure::errors) return;
    }
    request_.thresholds.push_back(load::read_threshold("errors<1"));
    if (outcome_->limit == load::Limit::errors && outcome_->messages > 0) {
      notes_.push_back(outcome_->reason);
      outcome_->reason.clear();
      outcome_->limit = load::Limit::none;
    }
  }

  Exit verdict(const load::Record& record) {
    const std::string& reason = record.outcome.reason;
    if (!reason.empty()) {
      return request_.json ? fail(kInvalid, "the figures are not valid: " + reason) : kInvalid;
    }
    for (const load::Threshold& each : record.thresholds) {
      if (holds(each, record.outcome)) continue;
      return request_.json ? fail(kBreached, escape(each.text, 100) + " is broken") : kBreached;
    }
    if (found_ && !found_->best) return kBreached;
    return kDone;
  }

  BenchRequest& request_;
  Plan plan_;
  bool shows_live_;
  load::Paint paint_live_;
  load::Paint paint_;
  ReportFile html_;
  ReportFile hdr_;
  std::unique_ptr<load::ServerProcesses> server_;
  std::optional<load::HdrLog> log_;  // Of the last run.
  std::optional<load::FoundMax> found_;
  std::unique_ptr<Outcome> outcome_;
  std::vector<std::string> notes_;
  double probe_p99_ = 0;  // ns; 0: there was no probe.
};

}  // namespace

Exit run_bench(BenchRequest& request) { return Bench(request).run(); }

}  // namespace weir::program
