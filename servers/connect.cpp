// weir connect URL [-m TEXT]
#include <memory>

#include <weir/server.hpp>
#include <weir/text.hpp>

#include "command_line.hpp"
#include "dialogue.hpp"
#include "secrets.hpp"
#include "terminal.hpp"
#include "url_keys.hpp"

namespace weir::program {
namespace {

struct ConnectSettings {
  static constexpr const char* kName = "connect";

  Millis timeout = ConnectOptions{}.timeout;

  void read(OptionReader& in) {
    in.duration("timeout", timeout, Millis{1}, std::chrono::hours(24),
                "for the lookup and all addresses together; a TLS handshake has 10s of its own");
  }
};

using Settings = SettingsReader<ConnectSettings>;

struct Request {
  std::string url;
  std::string message;
  std::string ca;
  std::string cert;
  std::string key;
  std::string name;
  bool insecure = false;
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

// The options for TLS are another way to write keys of the URL.
std::string with_keys(const Request& request) {
  std::string url = request.url;
  const auto add = [&url](std::string_view key, std::string_view value) {
    if (!value.empty()) url = with_key(std::move(url), key, value);
  };
  add("ca", request.ca);
  add("cert", request.cert);
  add("key", request.key);
  add("name", request.name);
  if (request.insecure) add("verify", "off");
  return url;
}

Exit connect(const CLI::App& app, const Request& request) {
  if (const Exit wrong = reject_unknown(app); wrong != kDone) return wrong;
  if (request.url.empty()) return misuse(app, "connect needs a URL");
  ConnectSettings settings;
  std::vector<std::string> faults;
  add_sentences(faults, Settings::read(request.settings, settings));
  if (const Exit wrong = reject(faults); wrong != kDone) return wrong;

  Dialogue::Plan plan{{.to = Url::parse(with_keys(request)), .timeout = settings.timeout}, {}};
  if (plan.connect.to.is_tls()) keep_memory_private();
  if (plan.connect.to.value("verify") == "off") {
    write_all(2, "weir: warning: nobody checks who " + escape(plan.connect.to.text()) +
                     " is; whoever is in between can read and change everything\n");
  }
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
  app->add_option("URL", request->url,
                  "tcp://HOST:PORT, tls://HOST:PORT, HOST:PORT, unix:///PATH or tls+unix:///PATH")
      ->type_name("");
  request->has_message =
      app->add_option("-m,--message", request->message,
                      "send exactly this and our end, print the answer, read no input")
          ->type_name("TEXT");
  add_options(*app, Settings::describe(), request->settings, "Options");
  const auto text = [app](const char* option, std::string& value, const char* type,
                          const char* help) {
    app->add_option(option, value, help)->type_name(type)->group("TLS");
  };
  text("--ca", request->ca, "FILE", "who may vouch for the server; else the system's authorities");
  text("--name", request->name, "NAME", "the server's name, where it is not the URL's host");
  text("--cert", request->cert, "FILE", "our certificate, for a server that asks for one");
  text("--key", request->key, "FILE", "its key; else in the same file");
  app->add_flag("--insecure", request->insecure, "do not check who the server is")->group("TLS");
  set_usage(*app, "weir connect URL [-m TEXT] [--timeout TIME]");
  app->footer(
      "Examples:\n  weir connect tcp://127.0.0.1:9000 -m 'Hello, world!'\n"
      "  weir connect localhost:9000 < question > answer\n  weir connect unix:///tmp/echo.sock\n"
      "  weir connect tls://localhost:7443 --ca ca.pem -m hello\n\n"
      "Ends when the peer does. After the end of standard input it goes on reading; after the "
      "peer's\n"
      "end it goes on sending for as long as input keeps coming.");
  return {app, [app, request] { return connect(*app, *request); }};
}

}  // namespace weir::program
