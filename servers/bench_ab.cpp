// weir bench ab 'CMD A' 'CMD B' [--scenario NAME] [--OPTION VALUE...]
#include "bench_ab.hpp"

#include <csignal>
#include <memory>
#include <random>

#include <sched.h>
#include <unistd.h>

#include <bench/compare/paired.hpp>
#include <bench/compare/served_command.hpp>
#include <bench/load/conductor.hpp>
#include <bench/load/threshold.hpp>
#include <bench/report/words.hpp>
#include <weir/text.hpp>

#include "terminal.hpp"

namespace weir::program {

namespace {

using load::Outcome;
using load::PairedResult;
using load::PairedVerdict;
using load::Plan;
using load::Side;
using Json = nlohmann::ordered_json;

struct Request {
  std::string a;
  std::string b;
  std::string scenario = "echo";
  std::string figure = "cpu";
  OptionValues values;
  std::int64_t seed = -1;
  int server_cpu = -1;
  bool json = false;
};

// Why a round has no figure, and the exit status that this means.
struct NoFigure {
  Exit code;
  std::string why;
};

volatile std::sig_atomic_t interrupted = 0;
void on_interrupt(int) {
  interrupted = 1;
  std::signal(SIGINT, SIG_DFL);
}

// Of the CPUs this process may use, the n-th; -1 if there are fewer than two.
int allowed_cpu(int which) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) < 2) return -1;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &set) && which-- == 0) return cpu;
  }
  return -1;
}

const char* verdict_name(PairedVerdict verdict) {
  switch (verdict) {
    case PairedVerdict::same:
      return "same";
    case PairedVerdict::differs:
      return "differs";
    case PairedVerdict::unsure:
      break;
  }
  return "unsure";
}

class Duel {
 public:
  Duel(const Request& request, Plan plan)
      : request_(request), plan_(std::move(plan)), shows_live_(isatty(STDERR_FILENO) == 1) {}

  Exit run() {
    std::signal(SIGINT, on_interrupt);
    if (plan_.cpu >= 0) load::pin_to_cpu(static_cast<int>(plan_.cpu));
    const std::uint64_t seed =
        request_.seed >= 0 ? static_cast<std::uint64_t>(request_.seed) : std::random_device{}();
    try {
      const PairedResult result = load::measure_paired(
          [this](Side side) { return measure(side == Side::a ? request_.a : request_.b); }, seed,
          [this](const PairedResult& so_far) { show(so_far); });
      if (shows_live_) write_all(STDERR_FILENO, "\r\x1b[K");
      const Exit printed = print(request_.json ? json(result) : text(result));
      return printed == kDone ? judge(result) : printed;
    } catch (const NoFigure& none) {
      if (shows_live_) write_all(STDERR_FILENO, "\r\x1b[K");
      return fail(none.code, none.why);
    }
  }

 private:
  // Fresh each time, so that what a process is lucky or unlucky with counts once.
  double measure(const std::string& command) {
    const load::ServedCommand server(command, request_.server_cpu);
    Plan plan = plan_;
    std::vector<std::string> faults =
        plan.settle(request_.scenario, server.url().text(), request_.values);
    if (!faults.empty()) throw NoFigure{kUsage, faults.front()};
    load::SystemServerProcesses processes(server.pids());
    load::Watching watching;
    watching.interrupted = &interrupted;
    const auto outcome = load::Conductor(plan, &processes, std::move(watching)).run();
    if (interrupted != 0) throw NoFigure{kInvalid, "it was interrupted"};
    if (outcome->failed != 0) {
      throw NoFigure{static_cast<Exit>(outcome->failed), outcome->reason};
    }
    // What the server spends on a message is the same when the generator is the limit.
    const bool fine = outcome->reason.empty() ||
                      (request_.figure == "cpu" && outcome->limit == load::Limit::generator);
    if (!fine) throw NoFigure{kInvalid, "a round is not valid: " + outcome->reason};
    return figure(*outcome);
  }

  double figure(const Outcome& outcome) const {
    double value = 0;
    if (request_.figure == "rate") value = outcome.rate;
    if (request_.figure == "p99") value = static_cast<double>(outcome.latency.at(0.99));
    if (request_.figure == "cpu") value = cpu_per_message(outcome).value_or(0);
    if (value > 0) return value;
    throw NoFigure{kInvalid, "a round has no figure: the server used no CPU time that can be seen"};
  }

  bool more_is_better() const { return request_.figure == "rate"; }

  std::string figure_words(double value) const {
    return more_is_better() ? load::rate_words(value) + " /s" : load::time_words(value);
  }

  static std::string ratio_words(const PairedResult& result) {
    if (!result.ratio) return "too few rounds for a ratio";
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.3f [%.3f, %.3f]", result.ratio->median,
                  result.ratio->low, result.ratio->high);
    return text.data();
  }

  void show(const PairedResult& so_far) const {
    if (!shows_live_) return;
    write_all(STDERR_FILENO, "\r\x1b[Kround " + std::to_string(so_far.rounds.size()) +
                                 ", B against A: " + ratio_words(so_far));
  }

  bool b_is_worse(const PairedResult& result) const {
    if (result.verdict != PairedVerdict::differs || !result.ratio) return false;
    return (result.ratio->median > 1) != more_is_better();
  }

  std::string sentence(const PairedResult& result) const {
    switch (result.verdict) {
      case PairedVerdict::same:
        return "the same: no difference of more than 4 %";
      case PairedVerdict::differs:
        return b_is_worse(result) ? "B is worse" : "B is better";
      case PairedVerdict::unsure:
        break;
    }
    return "unsure: the machine is too restless, or the difference too small, for " +
           std::to_string(result.rounds.size()) + " rounds";
  }

  std::string text(const PairedResult& result) const {
    return "A        " + figure_words(result.median_a) + "   " + escape(request_.a, 200) +
           "\nB        " + figure_words(result.median_b) + "   " + escape(request_.b, 200) +
           "\nB / A    " + ratio_words(result) + " with 99 %, of " +
           std::to_string(result.rounds.size()) + " rounds\nverdict  " + sentence(result) + "\n";
  }

  std::string json(const PairedResult& result) const {
    Json rounds = Json::array();
    for (const load::PairedRound& each : result.rounds) {
      rounds.push_back(
          {{"first", each.first == Side::a ? "A" : "B"}, {"a", each.a}, {"b", each.b}});
    }
    const auto& ratio = result.ratio;
    const Json all{
        {"a", request_.a},
        {"b", request_.b},
        {"scenario", request_.scenario},
        {"figure", request_.figure},
        {"unit", more_is_better() ? "1/s" : "ns"},
        {"median_a", result.median_a},
        {"median_b", result.median_b},
        {"ratio", ratio
                      ? Json{{"median", ratio->median}, {"low", ratio->low}, {"high", ratio->high}}
                      : Json(nullptr)},
        {"verdict", verdict_name(result.verdict)},
        {"b_is_worse", b_is_worse(result)},
        {"rounds", rounds}};
    return all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  }

  Exit judge(const PairedResult& result) const {
    if (result.verdict == PairedVerdict::unsure) return kInvalid;
    return b_is_worse(result) ? kBreached : kDone;
  }

  const Request& request_;
  Plan plan_;
  bool shows_live_;
};

std::vector<std::string> settle(Request& request, Plan& plan) {
  std::vector<std::string> faults;
  add_sentences(faults, SettingsReader<Plan>::read(request.values, plan, "ab"));
  if (request.figure != "cpu" && request.figure != "rate" && request.figure != "p99") {
    faults.push_back("ab: option \"figure\" is \"" + escape(request.figure, 100) +
                     "\", expected cpu, rate or p99");
  }
  std::string unknown;
  const auto scenario = load::find_scenario(request.scenario, unknown);
  if (!scenario) faults.push_back(unknown);
  if (scenario && load::info(*scenario).abuse) faults.emplace_back("ab: abuse has no such figures");
  if (!request.values.contains("duration")) plan.duration = std::chrono::seconds(1);
  if (!request.values.contains("warmup")) plan.warmup = Millis{200};
  if (plan.cpu < 0) plan.cpu = allowed_cpu(1);
  if (request.server_cpu < 0) request.server_cpu = allowed_cpu(0);
  return faults;
}

Exit ab(const CLI::App& app, Request& request) {
  if (const Exit wrong = reject_unknown(app); wrong != kDone) return wrong;
  if (request.b.empty()) {
    return misuse(app,
                  "ab needs two commands that serve, as in \"weir bench ab 'old serve echo "
                  "tcp://127.0.0.1:{port}' 'new serve echo tcp://127.0.0.1:{port}'\"");
  }
  Plan plan;
  if (const Exit wrong = reject(settle(request, plan)); wrong != kDone) return wrong;
  return Duel(request, std::move(plan)).run();
}

}  // namespace

Command add_bench_ab(CLI::App& bench) {
  auto request = std::make_shared<Request>();
  CLI::App* app = bench.add_subcommand("ab", "Hold two servers against each other, in turns.");
  app->allow_extras();
  app->add_option(
         "A", request->a,
         "a command that serves; {port} stands for a free port of 127.0.0.1, without it the "
         "first line it prints is \"ready PROTOCOL URL\"")
      ->type_name("");
  app->add_option("B", request->b, "the one that is held against it")->type_name("");
  app->add_option("--scenario", request->scenario, "what each is loaded with (default echo)")
      ->type_name("NAME");
  app->add_option("--figure", request->figure,
                  "what is compared: cpu (of the server, for a message; the default), rate or p99")
      ->type_name("NAME");
  app->add_option("--server-cpu", request->server_cpu,
                  "the CPU the servers may use (default: the first, and the second for the load)")
      ->type_name("NUMBER");
  app->add_option("--seed", request->seed, "for who comes first in each round (default: drawn)")
      ->type_name("NUMBER");
  app->add_flag("--json", request->json, "as JSON");
  add_options(*app, SettingsReader<Plan>::describe(), request->values, "Options of the load");
  set_usage(*app, "weir bench ab 'CMD A' 'CMD B' [--scenario NAME] [--OPTION VALUE...]");
  app->footer(
      "Both are started afresh in each round, one after the other, in an order that is drawn. "
      "Rounds go "
      "on\nuntil the 99 % interval of the ratio is within 4 % of its median, 60 at most. A "
      "difference "
      "of up to 3 %\nis none.\n\nExample:\n  weir bench ab 'old/weir serve echo "
      "tcp://127.0.0.1:{port} "
      "--loops 1' \\\n    'new/weir serve echo tcp://127.0.0.1:{port} --loops 1' --connections "
      "50\n\n"
      "Exit status: 0 the same, or B is better, 64 wrong command line, 69 a server does not serve, "
      "98 "
      "nobody\ncan tell, 99 B is worse.");
  return {app, [app, request] { return ab(*app, *request); }};
}

}  // namespace weir::program
