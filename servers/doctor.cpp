// weir doctor [URL] [--connections N] [--agents N] [--sources N|LIST] [--targets N|LIST] [--json]
#include <unistd.h>
#include <memory>

#include <bench/doctor/doctor.hpp>
#include <bench/load/addresses.hpp>
#include <weir/text.hpp>

#include "command_line.hpp"
#include "terminal.hpp"

namespace weir::program {
namespace {

struct DoctorSettings {
  static constexpr const char* kName = "doctor";
  static constexpr std::int64_t kConnectionsMost = 10'000'000;
  static constexpr std::int64_t kAgentsMost = 1'024;

  std::int64_t connections = 50;
  std::int64_t agents = 1;
  std::string sources;
  std::string targets;

  void read(OptionReader& in) {
    in.number("connections", connections, 1, kConnectionsMost, "connections at once");
    in.number("agents", agents, 1, kAgentsMost, "generator processes that share them");
    in.text("sources", sources,
            "where they come from: a number of addresses from 127.0.0.2 on, or addresses");
    in.text("targets", targets,
            "where they go in place of the URL's host: a number of addresses from 127.0.0.2 on, "
            "or addresses");
  }
};

using Settings = SettingsReader<DoctorSettings>;

struct Request {
  std::string url;
  const CLI::Option* has_url = nullptr;
  bool json = false;
  OptionValues settings;
};

// Sets the addresses; what is wrong with them ends up in `faults`.
void take_addresses(const OptionValues& given, const char* option, std::vector<std::string>& into,
                    std::vector<std::string>& faults) {
  const auto found = given.find(option);
  if (found == given.end()) return;
  try {
    into = load::read_addresses(found->second.back());
  } catch (const SetupError& wrong) {
    faults.push_back(std::string("doctor: ") + option + ": " + wrong.what());
  }
}

void take_target(const std::string& text, load::Intent& intent, std::vector<std::string>& faults) {
  try {
    intent.target = Url::parse(text);
  } catch (const SetupError& wrong) {
    faults.emplace_back(wrong.what());
    return;
  }
  const Url& url = *intent.target;
  const auto refuse = [&](const std::string& why) {
    faults.push_back("doctor: \"" + escape(url.text()) + "\": " + why);
  };
  const bool tcp = url.scheme() == Url::Scheme::tcp || url.scheme() == Url::Scheme::tls;
  if (!tcp && url.scheme() != Url::Scheme::unix_stream && url.scheme() != Url::Scheme::tls_unix) {
    refuse("no such socket can be dialled, expected tcp://, tls://, unix:// or tls+unix://");
  } else if (tcp && url.port() == 0) {
    refuse("port 0 cannot be dialled, expected 1 to 65535");
  } else if (tcp && url.host() == "*") {
    refuse("every address cannot be dialled, expected a single one, as in \"" +
           url.with_host("127.0.0.1").text() + "\"");
  }
}

Exit doctor(const CLI::App& app, const Request& request) {
  if (const Exit wrong = reject_unknown(app); wrong != kDone) return wrong;
  DoctorSettings settings;
  std::vector<std::string> faults;
  add_sentences(faults, Settings::read(request.settings, settings));
  load::Intent intent;
  if (request.has_url->count() > 0) take_target(request.url, intent, faults);
  take_addresses(request.settings, "sources", intent.sources, faults);
  take_addresses(request.settings, "targets", intent.targets, faults);
  if (intent.target && intent.target->is_unix() &&
      !(intent.sources.empty() && intent.targets.empty())) {
    faults.emplace_back("doctor: a Unix socket has no --sources and no --targets");
  }
  if (const Exit wrong = reject(faults); wrong != kDone) return wrong;

  intent.connections = static_cast<std::uint64_t>(settings.connections);
  intent.agents = static_cast<std::uint64_t>(settings.agents);
  const load::Diagnosis diagnosis = load::diagnose(std::move(intent));
  const Exit printed = print(request.json ? load::json_of(diagnosis)
                                          : load::text_of(diagnosis, has_colours(STDOUT_FILENO)));
  return printed != kDone || diagnosis.can() ? printed : kSystem;
}

}  // namespace

Command add_doctor(CLI::App& root) {
  auto request = std::make_shared<Request>();
  CLI::App* app =
      root.add_subcommand("doctor", "Say whether this machine can hold a load, and what to mend.");
  app->group("Commands");
  app->allow_extras();
  request->has_url =
      app->add_option("URL", request->url,
                      "what is to be loaded; without it only this machine is looked at")
          ->type_name("");
  add_options(*app, Settings::describe(), request->settings, "Options");
  app->add_flag("--json", request->json, "as JSON");
  set_usage(*app,
            "weir doctor [URL] [--connections N] [--agents N] [--sources N|LIST] "
            "[--targets N|LIST] [--json]");
  app->footer(
      "Examples:\n  weir doctor\n  weir doctor tcp://127.0.0.1:7007 --connections 10000\n"
      "  weir doctor tcp://127.0.0.1:7007 --connections 100000 --agents 6 --sources 4\n\n"
      "A list of addresses is 127.0.0.2,127.0.0.9 or 127.0.0.2-127.0.0.9, or IPv6.\n"
      "Exit status: 0 it can, 64 wrong command line, 71 it cannot.");
  return {app, [app, request] { return doctor(*app, *request); }};
}

}  // namespace weir::program
