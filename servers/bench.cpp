// weir bench [SCENARIO] URL [--OPTION VALUE...]
#include <memory>

#include <weir/text.hpp>

#include "bench_ab.hpp"
#include "bench_compare.hpp"
#include "bench_request.hpp"
#include "command_line.hpp"
#include "terminal.hpp"

namespace weir::program {

namespace {

constexpr const char* kFooter =
    R"(Each scenario checks what comes back, byte by byte where it knows what has to: a wrong, missing or
surplus answer, or a lost connection, makes the figures invalid. So does a generator that was the limit
itself, by its CPU or by sending late. Nothing else is counted than what happens in `duration`, after all
connections are made and `warmup` is over; idle and storm take as long as they take.

The server's CPU time and memory are those of --server-pid; not said, of who listens there, if it is on
this machine. CPU time per message can only be compared where the server's CPU was busy.

Thresholds: p50, p90, p99, p99.9, max and cpu (of the server, a message) with a time, rate and errors with
a number, as in 'p99<5ms', 'rate>=10000'. --find-max looks for the highest --rate of rate, or else the
most --connections, at which one holds.

Examples:
  weir serve echo tcp://127.0.0.1:7007 --loops 1 &
  weir bench tcp://127.0.0.1:7007
  weir bench rate tcp://127.0.0.1:7007 --rate 20000 --threshold 'p99<5ms'
  weir bench rate tcp://127.0.0.1:7007 --find-max 'p99<5ms'
  weir bench idle tcp://127.0.0.1:7007 --connections 10000
  weir bench storm unix:///run/echo.sock --connections 1000
  weir bench ask tcp://127.0.0.1:80 --reply-http --send 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
  weir bench handshake 'tls://127.0.0.1:7443?ca=ca.pem' --resumed --connections 8
  weir bench bulk tcp://127.0.0.1:9000 --backend tcp://127.0.0.1:9001 --connections 4
  weir bench fanout tcp://127.0.0.1:7070 --connections 1000 --senders 16 --depth 16
  weir bench slow-reader tcp://127.0.0.1:7007 --connections 200
  weir bench tcp://127.0.0.1:7007 --json --html report.html > result.json

Exit status: 0 done, 64 wrong command line, 68 host not found, 69 refused, 70 internal, 71 system, 73 a
report cannot be written, 75 timeout, 76 no TLS there, 77 permission, 98 the figures are not valid, 99 a
threshold is broken.)";

std::string scenarios_help() {
  std::string text = "what to do; echo if not said:";
  for (const load::ScenarioInfo& each : load::scenarios()) {
    if (each.scenario == load::Scenario::slow_reader)
      text += "\nwhat a server has to be safe from:";
    text += std::string("\n") + each.name + ": " + each.help;
  }
  return text;
}

bool is_scenario(const std::string& word) {
  std::string unused;
  return load::find_scenario(word, unused).has_value();
}

// A target alone is enough.
void default_scenario(BenchRequest& request) {
  if (!request.url.empty() || is_scenario(request.scenario)) return;
  if (request.scenario.find_first_of(":/") == std::string::npos) return;
  request.url = std::exchange(request.scenario, "echo");
}

void read_thresholds(BenchRequest& request, std::vector<std::string>& faults) {
  try {
    for (const std::string& text : request.threshold_texts) {
      request.thresholds.push_back(load::read_threshold(text));
    }
    if (!request.find_max_text.empty()) {
      request.find_max = load::read_threshold(request.find_max_text);
    }
  } catch (const SetupError& wrong) {
    faults.emplace_back(wrong.what());
  }
  if (request.find_max && load::info(request.plan.scenario).abuse) {
    faults.emplace_back("--find-max has no meaning for abuse");
  }
}

Exit bench(const CLI::App& app, BenchRequest& request) {
  if (const Exit wrong = reject_unknown(app); wrong != kDone) return wrong;
  default_scenario(request);
  if (request.scenario.empty() || request.url.empty()) {
    return misuse(app, is_scenario(request.scenario)
                           ? "bench needs a URL, as in \"weir bench " + request.scenario +
                                 " tcp://127.0.0.1:7007\""
                           : "bench needs a URL, as in \"weir bench tcp://127.0.0.1:7007\"");
  }
  std::vector<std::string> faults;
  add_sentences(faults, SettingsReader<load::Plan>::read(request.values, request.plan));
  for (std::string& fault : request.plan.settle(request.scenario, request.url, request.values)) {
    faults.push_back(std::move(fault));
  }
  read_thresholds(request, faults);
  if (const Exit wrong = reject(faults); wrong != kDone) return wrong;
  return run_bench(request);
}

}  // namespace

Command add_bench(CLI::App& root) {
  auto request = std::make_shared<BenchRequest>();
  CLI::App* app = root.add_subcommand("bench", "Put load on a service and tell what came of it.");
  app->group("Commands");
  app->allow_extras();
  app->add_option("SCENARIO", request->scenario, scenarios_help())->type_name("");
  app->add_option("URL", request->url, "tcp://, tls://, HOST:PORT, unix:///PATH or tls+unix://")
      ->type_name("");
  const std::string reports = "Reports";
  app->add_option("--threshold", request->threshold_texts,
                  "what has to hold, or the exit status is 99; may be given several times")
      ->type_name("'p99<5ms'")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group(reports);
  app->add_option("--find-max", request->find_max_text, "look for the most that holds this")
      ->type_name("'p99<5ms'")
      ->group(reports);
  app->add_flag("--json", request->json, "the result as JSON (docs/bench-result.schema.json)")
      ->group(reports);
  app->add_option("--html", request->html, "write a report that a browser shows")
      ->type_name("FILE")
      ->group(reports);
  app->add_option("--hdr", request->hdr, "write latencies as a log of HdrHistogram")
      ->type_name("FILE")
      ->group(reports);
  add_options(*app, SettingsReader<load::Plan>::describe(), request->values, "Options");
  app->require_subcommand(0, 1);
  set_usage(
      *app,
      "weir bench [SCENARIO] URL [--OPTION VALUE...]\n       weir bench compare A.json B.json\n"
      "       weir bench ab 'CMD A' 'CMD B'");
  app->footer(kFooter);
  const Command compare = add_bench_compare(*app);
  const Command ab = add_bench_ab(*app);
  return {app, [app, request, compare, ab] {
            for (const Command& command : {compare, ab}) {
              if (command.app->parsed()) return command.run();
            }
            return bench(*app, *request);
          }};
}

}  // namespace weir::program
