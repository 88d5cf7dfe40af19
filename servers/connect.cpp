// weir connect URL [-m TEXT]
#include <memory>

#include <weir/server.hpp>

#include "command_line.hpp"
#include "dialogue.hpp"
#include "terminal.hpp"

namespace weir::program {
namespace {

struct ConnectSettings {
  static constexpr const char* kName = "connect";

  Millis timeout = ConnectOptions{}.timeout;

  void read(OptionReader& in) {
    in.duration("timeout", timeout, Millis{1}, std::chrono::hours(24),
                "for the lookup and all addresses together");
  }
};

using Settings = SettingsReader<ConnectSettings>;

struct Request {
  std::string url;
  std::string message;
  const CLI::Option* has_message = nullptr;
  OptionValues settings;
};

Exit converse(const Dialogue::Plan& plan) {
  ServerOptions options;
  options.signals = false;  // Ctrl-C ends the program at once, as it does for nc.
  options.level = Level::error;
  Server server(std::move(options));
  Outcome outcome;
  auto dialogue = std::make_unique<Dialogue>(plan, outcome, [&server] { server.stop(); });
  server.loop().connect(plan.connect, std::move(dialogue));
  server.run();
  return outcome.sentence.empty() ? outcome.code : fail(outcome.code, outcome.sentence);
}

Exit connect(const CLI::App& app, const Request& request) {
  if (const Exit wrong = reject_unknown(app); wrong != kDone) return wrong;
  if (request.url.empty()) return misuse(app, "connect needs a URL");
  ConnectSettings settings;
  std::vector<std::string> faults;
  add_sentences(faults, Settings::read(request.settings, settings));
  if (const Exit wrong = reject(faults); wrong != kDone) return wrong;

  Dialogue::Plan plan{{.to = Url::parse(request.url), .timeout = settings.timeout}, {}};
  if (request.has_message->count() > 0) plan.message = request.message;
  return converse(plan);
}

}  // namespace

Command add_connect(CLI::App& root) {
  auto request = std::make_shared<Request>();
  CLI::App* app = root.add_subcommand(
      "connect", "Talk to a server: standard input to the peer, the peer to standard output.");
  app->group("Commands");
  app->allow_extras();
  app->add_option("URL", request->url, "tcp://HOST:PORT, HOST:PORT or unix:///PATH")->type_name("");
  request->has_message =
      app->add_option("-m,--message", request->message,
                      "send exactly this and our end, print the answer, read no input")
          ->type_name("TEXT");
  add_options(*app, Settings::describe(), request->settings, "Options");
  set_usage(*app, "weir connect URL [-m TEXT] [--timeout TIME]");
  app->footer(
      "Examples:\n  weir connect tcp://127.0.0.1:9000 -m 'Hello, world!'\n"
      "  weir connect localhost:9000 < question > answer\n  weir connect unix:///tmp/echo.sock\n\n"
      "Ends when the peer does. After the end of standard input it goes on reading; after the "
      "peer's\n"
      "end it goes on sending for as long as input keeps coming.");
  return {app, [app, request] { return connect(*app, *request); }};
}

}  // namespace weir::program
