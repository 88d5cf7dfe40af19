// weir config dump FILE.toml, weir config reference
#include <memory>
#include <nlohmann/json.hpp>

#include "command_line.hpp"
#include "configuration.hpp"
#include "terminal.hpp"

namespace weir::program {
namespace {

using Json = nlohmann::ordered_json;

struct Request {
  const CLI::App* dump = nullptr;
  const CLI::App* reference = nullptr;
  std::string file;
  bool json = false;
};

// A key with the value it has, and who said so.
struct Effective {
  OptionInfo info;
  std::vector<std::string> values;
  std::string origin;  // "weir.toml:3:7" or "default"
};

std::vector<Effective> effective(const std::vector<OptionInfo>& declared, const Given& given,
                                 const Configuration& in) {
  std::vector<Effective> all;
  for (const OptionInfo& info : declared) {
    const auto found = given.values.find(info.name);
    if (found != given.values.end()) {
      all.push_back({info, found->second, in.place(given.places.find(info.name)->second)});
    } else {
      all.push_back({info, {info.default_value}, "default"});
    }
  }
  return all;
}

std::string quoted(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

// As a configuration file would have it.
std::string toml_value(const Effective& key) {
  if (key.info.kind == "flag") return key.values.front() == "on" ? "true" : "false";
  if (key.info.kind == "number") return key.values.front();
  if (key.info.kind != "urls" && key.info.kind != "list") return quoted(key.values.front());
  std::string list;
  for (const std::string& url : key.values) list += (list.empty() ? "" : ", ") + quoted(url);
  return "[" + list + "]";
}

std::string toml_lines(const std::vector<Effective>& keys) {
  std::string text;
  for (const Effective& key : keys) {
    std::string line = key.info.name + " = " + toml_value(key);
    line.resize(std::max<std::size_t>(line.size() + 2, 40), ' ');
    text += line + "# " + key.origin + "\n";
  }
  return text;
}

std::vector<Effective> of_process(const Configuration& in) {
  return effective(SettingsReader<ProcessSettings>::describe(), in.given, in);
}

std::vector<Effective> of_service(const ServiceSection& section, const Configuration& in) {
  std::vector<OptionInfo> declared = service_keys();
  for (OptionInfo& info : declared) {
    if (info.name == "name") info.default_value = section.type->name;
  }
  for (const OptionInfo& info : describe_options(*section.type)) declared.push_back(info);
  const ServiceSettings settings(*section.type);
  for (const OptionInfo& info : SettingsReader<ServiceSettings>::describe(settings)) {
    declared.push_back(info);
  }
  return effective(declared, section.given, in);
}

// Only what is said: the rest is the URLs' to say.
std::vector<Effective> of_tls(const ServiceSection& section, const Configuration& in) {
  std::vector<OptionInfo> said = tls_keys();
  std::erase_if(said,
                [&](const OptionInfo& info) { return !section.tls.values.contains(info.name); });
  return effective(said, section.tls, in);
}

// Of the type that it has in a configuration.
Json value_of(const Effective& key) {
  if (key.info.kind == "urls" || key.info.kind == "list") return key.values;
  const std::string& text = key.values.front();
  if (key.info.kind == "flag") return text == "on";
  if (key.info.kind == "number") return Json::parse(text, nullptr, false);
  return text;
}

Json to_json(const std::vector<Effective>& keys) {
  Json all = Json::object();
  for (const Effective& key : keys) {
    all[key.info.name] = {{"value", value_of(key)}, {"origin", key.origin}};
  }
  return all;
}

Exit dump(const CLI::App& app, const Request& request, std::span<const ServiceType> types) {
  if (const Exit wrong = reject_unknown(app); wrong != kDone) return wrong;
  if (request.file.empty()) {
    return misuse(app, "config dump needs a configuration, as in \"weir config dump weir.toml\"");
  }
  Configuration found;
  if (const Exit wrong = load(found, request.file, types); wrong != kDone) return wrong;
  if (request.json) {
    Json services = Json::array();
    for (const ServiceSection& section : found.services) {
      services.push_back(to_json(of_service(section, found)));
      if (!section.tls.values.empty()) services.back()["tls"] = to_json(of_tls(section, found));
    }
    const Json all{
        {"file", found.file}, {"server", to_json(of_process(found))}, {"services", services}};
    return print(all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  }
  std::string text = "[server]\n" + toml_lines(of_process(found));
  for (const ServiceSection& section : found.services) {
    text += "\n[[service]]\n" + toml_lines(of_service(section, found));
    if (section.tls.values.empty()) continue;
    text += "\n[service.tls]\n" + toml_lines(of_tls(section, found));
  }
  return print(text);
}

std::string cell(const std::string& text) {
  std::string escaped;
  for (const char each : text) {
    if (each == '|') escaped += '\\';
    escaped += each;
  }
  return escaped.empty() ? " " : escaped;
}

std::string table(const std::vector<OptionInfo>& declared) {
  std::string text = "| Key | Kind | Default | Range | |\n|---|---|---|---|---|\n";
  for (const OptionInfo& info : declared) {
    const bool flag = info.kind == "flag";  // On the command line it is on or off.
    const std::string standard = !flag                        ? info.default_value
                                 : info.default_value == "on" ? "true"
                                                              : "false";
    const std::string value = info.required ? "required" : "`" + standard + "`";
    text += "| `" + info.name + "` | " + info.kind + " | " + (value == "``" ? "" : cell(value)) +
            " | " + cell(flag ? "true, false" : info.range) + " | " + cell(info.help) + " |\n";
  }
  return text;
}

std::string reference(std::span<const ServiceType> types) {
  std::string text =
      "# Every key of a configuration file\n\nMade by `weir config reference` from the "
      "declarations; the command line has the same words, with\n`--` in front.\n\n"
      "Kinds: a *size* is bytes, `4096` or `\"64KiB\"`; a *duration* is `\"250ms\"`, `\"30s\"`, "
      "`\"5m\"`, `\"1h\"`, or seconds,\nand `\"off\"` is 0; a *flag* is `true` or `false`; *urls* "
      "are an array of texts.\n\n## [server]: the process\n\n";
  text += table(SettingsReader<ProcessSettings>::describe());
  text += "\n## [[service]]: each service\n\n" + table(service_keys());
  text += "\n## [[service]]: limits and timeouts of its connections\n\n";
  text += table(SettingsReader<ServiceSettings>::describe());
  text +=
      "\n## [service.tls]: TLS of the service's tls:// and tls+unix:// URLs\n\n"
      "Below its [[service]]. What a URL says itself, in keys of the same names, goes first. A "
      "*list* is an array of texts.\n[What each means](tls.md).\n\n";
  text += table(tls_keys());
  for (const ServiceType& type : types) {
    const auto options = describe_options(type);
    text += std::string("\n## ") + type.name + "\n\n" + type.help + "\n";
    if (type.waits) text += "\nIts `idle` is off by default.\n";
    text += options.empty() ? "\nIt has no options of its own.\n" : "\n" + table(options);
  }
  return text;
}

Exit config(const CLI::App& app, const Request& request, std::span<const ServiceType> types) {
  if (request.dump->parsed()) return dump(*request.dump, request, types);
  if (request.reference->parsed()) {
    if (const Exit wrong = reject_unknown(*request.reference); wrong != kDone) return wrong;
    return print(reference(types));
  }
  if (app.remaining().empty()) {
    return misuse(app, "config needs a word more, as in \"weir config dump weir.toml\"");
  }
  const std::vector<std::string> known{"dump", "reference"};
  return fail(kUsage,
              unknown("there is no \"weir config\" command", app.remaining().front(), known));
}

}  // namespace

Command add_config(CLI::App& root, std::span<const ServiceType> types) {
  auto request = std::make_shared<Request>();
  CLI::App* app = root.add_subcommand("config", "Show what a configuration means.");
  app->group("Commands");
  app->require_subcommand(0, 1);
  app->allow_extras();
  set_usage(*app, "weir config dump FILE [--json] | weir config reference");
  app->footer("Examples:\n  weir config dump weir.toml\n  weir config reference > reference.md");
  CLI::App* dump =
      app->add_subcommand("dump", "Every key with the value it has, and where that is from.");
  dump->allow_extras();
  dump->add_option("FILE", request->file, "the configuration, in TOML; - is standard input")
      ->type_name("");
  dump->add_flag("--json", request->json, "as JSON");
  set_usage(*dump, "weir config dump FILE [--json]");
  dump->footer("Examples:\n  weir config dump weir.toml\n  weir config dump --json weir.toml");
  CLI::App* reference =
      app->add_subcommand("reference", "Every key there is, as a page in Markdown.");
  reference->allow_extras();
  set_usage(*reference, "weir config reference");
  reference->footer("Example:\n  weir config reference > reference.md");
  request->dump = dump;
  request->reference = reference;
  return {app, [app, request, types] { return config(*app, *request, types); }};
}

}  // namespace weir::program
