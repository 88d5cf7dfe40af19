#include "command_line.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>

#include <weir/service_type.hpp>
#include <weir/text.hpp>

namespace weir::load {

namespace {

constexpr const char* kFooter =
    R"(The result is one line of JSON on standard output. "messages" are answers (of churn: lives; of send
and receive: pieces), "rate" is messages a second, of send and receive bytes a second. All bytes that
come back are compared with what was sent; of send, only with --backend. Counted is what happens in
`duration`, after all connections are made and `warmup` is over; idle and storm take as long as they
take. "valid" is false, and the exit status 98, when an answer was wrong, a connection was lost or not
made, or nothing was answered.

"server" has the CPU time of the processes of --server-pid: per second, message and GiB; of idle, also
the growth of their private memory per connection, when all are connected and after an echo on each.
CPU time per message can only be compared where the server's CPU was busy: pin the server and this
program to different CPUs, and look at both "cpu_share".

With --backend the target is a forwarder, and this program also serves what it forwards to.

Examples:
  weir serve echo tcp://127.0.0.1:7007 --loops 1 &
  weir-load echo tcp://127.0.0.1:7007 --server-pid $! --cpu 1
  weir-load echo tcp://127.0.0.1:7007 --connections 10000 --depth 16 --duration 10s
  weir-load idle tcp://127.0.0.1:7007 --connections 10000 --server-pid $!
  weir-load storm unix:///run/echo.sock --connections 1000
  weir-load send tcp://127.0.0.1:9000 --backend tcp://127.0.0.1:9001 --connections 4
  weir-load mix tcp://127.0.0.1:9000 --backend tcp://127.0.0.1:9001 --bytes 1MiB
  weir-load fanout tcp://127.0.0.1:7070 --connections 1000 --senders 16 --depth 16
  weir-load echo 'tls://127.0.0.1:7443?ca=ca.pem' --server-pid $!
  weir-load handshake 'tls://127.0.0.1:7443?ca=ca.pem' --resumed --connections 8
  weir-load ask tcp://127.0.0.1:80 --reply-http --send 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'

Exit status: 0 done, 64 wrong command line, 68 host not found, 69 refused, 70 internal, 71 system,
75 timeout, 77 permission, 98 not valid.)";

class Formatter final : public CLI::Formatter {
 public:
  Formatter() {
    label("Positionals", "Arguments");
    column_width(26);
  }
  std::string make_usage(const CLI::App*, std::string) const override {
    return "Usage: weir-load SCENARIO URL [--OPTION VALUE...]\n";
  }
};

// The public interface reads values by a ServiceType only, whose functions carry no state: hence the
// static.
Plan* reading = nullptr;
constexpr ServiceType kType{Plan::kName, "", [](OptionReader& in) { reading->read(in); },
                            [](OptionReader& in) -> std::unique_ptr<Protocol> {
                              reading->read(in);
                              return nullptr;
                            }};

std::string placeholder(const OptionInfo& option) {
  if (option.kind == "duration") return "TIME";
  if (option.kind == "text" && option.name == "backend") return "URL";
  if (option.kind == "text" && option.name == "server-pid") return "PID";
  std::string name;
  for (const char letter : option.kind) name += static_cast<char>(letter - 'a' + 'A');
  return name;
}

std::string explain(const OptionInfo& option) {
  if (option.kind == "flag") return option.help;
  std::string details = option.range;
  if (!option.default_value.empty()) {
    details = "default " + option.default_value + (details.empty() ? "" : "; ") + details;
  }
  return option.help + (details.empty() ? "" : " (" + details + ")");
}

void add_options(CLI::App& app, OptionValues& values) {
  for (const OptionInfo& option : describe_options(kType)) {
    const std::string flag = "--" + option.name;
    if (option.kind == "flag") {
      const auto set = [&values, name = option.name](std::int64_t on) {
        values[name] = {on > 0 ? "on" : "off"};
      };
      app.add_flag_function(flag, set, explain(option));
      continue;
    }
    const auto set = [&values, name = option.name](const CLI::results_t& given) {
      values[name] = given;
      return true;
    };
    app.add_option(flag, set, explain(option))
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->type_name(placeholder(option));
  }
}

std::string scenarios_help() {
  std::string text = "what to do:";
  for (const ScenarioInfo& each : scenarios()) {
    text += std::string("\n") + each.name + ": " + each.help;
  }
  return text;
}

// Words that the grammar has no place for.
std::vector<std::string> unknown_words(const CLI::App& app) {
  std::vector<std::string> known;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  }
  std::vector<std::string> faults;
  bool value = false;  // What follows an unknown option is most likely its value.
  for (const std::string& word : app.remaining()) {
    if (!word.starts_with('-')) {
      if (!value) faults.push_back("\"" + escape(word) + "\" is one argument too many");
      value = false;
      continue;
    }
    value = word.find('=') == std::string::npos;
    const std::string name = word.substr(0, word.find('='));
    const std::string meant = nearest(name, known);
    faults.push_back("weir-load has no option \"" + escape(name) + "\"" +
                     (meant.empty() ? "" : "; did you mean \"" + meant + "\"?"));
  }
  return faults;
}

Exit reject(const std::vector<std::string>& faults) {
  for (const std::string& fault : faults) fail(kUsage, fault);
  return kUsage;
}

}  // namespace

Exit fail(Exit code, const std::string& sentence) {
  std::fputs(("weir-load: " + sentence + "\n").c_str(), stderr);
  return code;
}

std::optional<Exit> read_command_line(int argc, const char* const* argv, Plan& plan) {
  CLI::App app("Puts load on a server and prints what came of it.", "weir-load");
  app.set_help_flag("-h,--help", "print this help and stop");
  app.formatter(std::make_shared<Formatter>());
  app.footer(kFooter);
  app.allow_extras();
  std::string scenario;
  std::string url;
  OptionValues values;
  app.add_option("SCENARIO", scenario, scenarios_help())->type_name("");
  app.add_option("URL", url, "tcp://, tls://, HOST:PORT, unix:///PATH or tls+unix://")
      ->type_name("");
  Plan defaults;
  reading = &defaults;
  add_options(app, values);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return kDone;
  } catch (const CLI::ParseError& error) {
    return fail(kUsage, escape(error.what()));
  } catch (const std::invalid_argument&) {  // CLI11 lets its own conversion's escape.
    return fail(kUsage, "a flag takes no value but \"on\" or \"off\"");
  }
  if (const auto faults = unknown_words(app); !faults.empty()) return reject(faults);
  if (scenario.empty() || url.empty()) {
    return fail(kUsage,
                "weir-load needs a scenario and a URL, as in "
                "\"weir-load echo tcp://127.0.0.1:7007\"; --help tells more");
  }
  reading = &plan;
  std::vector<std::string> faults;
  for (OptionFault& fault : check_options(kType, values)) {
    faults.push_back(std::move(fault.sentence));
  }
  for (std::string& fault : plan.settle(scenario, url, values)) faults.push_back(std::move(fault));
  if (!faults.empty()) return reject(faults);
  return {};
}

}  // namespace weir::load
