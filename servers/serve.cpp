// weir serve PROTOCOL URL... [--OPTION VALUE...]
#include <memory>

#include <weir/text.hpp>

#include "command_line.hpp"
#include "serving.hpp"
#include "settings.hpp"
#include "terminal.hpp"

namespace weir::program {
namespace {

using Process = SettingsReader<ProcessSettings>;
using Settings = SettingsReader<ServiceSettings>;

// What `weir serve NAME` was told.
struct Request {
  const ServiceType* type = nullptr;
  const CLI::App* app = nullptr;
  std::vector<std::string> urls;
  OptionValues options;
  OptionValues process;
  OptionValues settings;
};

std::string example(const ServiceType& type) {
  const std::string start = std::string("  weir serve ") + type.name;
  const std::string needs = required_options(type, sample);
  std::string text = "Examples:\n" + start + " tcp://127.0.0.1:9000" + needs + "\n" + start +
                     " unix:///tmp/" + type.name + ".sock" + needs + " --loops 1 --log-level debug";
  for (const OptionInfo& option : describe_options(type)) {
    if (option.required) continue;
    text.append("\n").append(start).append(" tcp://127.0.0.1:9000").append(needs);
    text.append(" --").append(option.name);
    if (option.kind != "flag") text.append(" ").append(sample(option));
  }
  return text;
}

void add_protocol(CLI::App& serve, const ServiceType& type, Request& request) {
  CLI::App* app = serve.add_subcommand(type.name, type.help);
  request.type = &type;
  request.app = app;
  app->group("Protocols");
  app->allow_extras();
  app->add_option("URL", request.urls, "where to listen: tcp://HOST:PORT or unix:///PATH")
      ->type_name("")
      ->expected(0, CLI::detail::expected_max_vector_size);
  add_options(*app, describe_options(type), request.options, "Options of the protocol");
  add_options(*app, Process::describe(), request.process, "Options of the server");
  add_options(*app, Settings::describe(ServiceSettings(type)), request.settings,
              "Limits and timeouts of each connection");
  set_usage(*app, std::string("weir serve ") + type.name + " URL..." +
                      required_options(type, placeholder) + " [--OPTION VALUE...]");
  app->footer(example(type));
}

Exit serve(const Request& request) {
  if (const Exit wrong = reject_unknown(*request.app); wrong != kDone) return wrong;
  const std::string name = std::string("serve ") + request.type->name;
  if (request.urls.empty()) return misuse(*request.app, name + " needs at least one URL");

  ProcessSettings process;
  ServiceSettings settings(*request.type);
  std::vector<std::string> faults;
  add_sentences(faults, check_options(*request.type, request.options));
  add_sentences(faults, Process::read(request.process, process));
  add_sentences(faults, Settings::read(request.settings, settings));
  Listen listen{.at = {},
                .speak = request.type->name,
                .options = request.options,
                .limits = settings.limits,
                .timeouts = settings.timeouts};
  for (const std::string& url : request.urls) {
    try {
      listen.at.push_back(Url::parse(url));
    } catch (const SetupError& error) {
      faults.emplace_back(error.what());
    }
  }
  if (const Exit wrong = reject(faults); wrong != kDone) return wrong;

  return serve_all(process.options(), {request.type, 1}, {&listen, 1});
}

Exit no_protocol(const CLI::App& app) {
  const auto rest = app.remaining();
  if (rest.empty()) {
    return misuse(app, "serve needs a protocol, as in \"weir serve echo tcp://127.0.0.1:7007\"");
  }
  std::vector<std::string> known;
  for (const CLI::App* protocol : app.get_subcommands({})) known.push_back(protocol->get_name());
  if (rest.front().starts_with('-')) {
    return fail(kUsage, "serve needs the name of a protocol first, as in \"weir serve echo\"");
  }
  return fail(kUsage, unknown("there is no protocol", rest.front(), known));
}

}  // namespace

Command add_serve(CLI::App& root, std::span<const ServiceType> types) {
  CLI::App* app = root.add_subcommand("serve", "Serve a protocol on one or more URLs.");
  app->group("Commands");
  app->require_subcommand(0, 1);
  app->allow_extras();
  set_usage(*app, "weir serve PROTOCOL URL... [--OPTION VALUE...]");
  app->footer(
      "Examples:\n  weir serve echo tcp://127.0.0.1:9000 unix:///tmp/echo.sock\n"
      "  weir serve echo tcp://127.0.0.1:0 --prefix 'Echo: ' --loops 2\n"
      "  weir serve echo --help        what the protocol and the server can be told");
  auto requests = std::make_shared<std::vector<Request>>(types.size());
  for (std::size_t i = 0; i < types.size(); ++i) add_protocol(*app, types[i], (*requests)[i]);
  return {app, [app, requests] {
            for (const Request& request : *requests) {
              if (request.app->parsed()) return serve(request);
            }
            return no_protocol(*app);
          }};
}

}  // namespace weir::program
