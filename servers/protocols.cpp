// weir protocols [NAME] [--json]
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "command_line.hpp"
#include "terminal.hpp"

namespace weir::program {
namespace {

// In the order in which it is written here, which is the order a reader wants.
using Json = nlohmann::ordered_json;

Json to_json(const ServiceType& type) {
  Json options = Json::array();
  for (const OptionInfo& option : describe_options(type)) {
    options.push_back({{"name", option.name},
                       {"kind", option.kind},
                       {"default", option.default_value},
                       {"range", option.range},
                       {"help", option.help},
                       {"required", option.required}});
  }
  return {{"name", type.name}, {"help", type.help}, {"options", options}};
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

std::string list(std::span<const ServiceType> types) {
  std::string text;
  for (const ServiceType& type : types) text += padded(type.name, 10) + type.help + "\n";
  return text;
}

std::string page(const ServiceType& type) {
  std::string text = std::string(type.name) + ": " + type.help + "\n";
  const std::vector<OptionInfo> options = describe_options(type);
  const auto left = [](const OptionInfo& option) {
    return "  --" + option.name + " " + placeholder(option);
  };
  std::size_t width = 20;
  for (const OptionInfo& option : options) width = std::max(width, left(option).size());
  for (const OptionInfo& option : options) {
    text += padded(left(option), width + 2) + explain(option) + "\n";
  }
  return text + "Example:\n  weir serve " + type.name + " tcp://127.0.0.1:9000" +
         required_options(type, sample) + "\n";
}

Exit show_all(std::span<const ServiceType> types, bool json) {
  if (!json) return print(list(types));
  Json all = Json::array();
  for (const ServiceType& type : types) all.push_back(to_json(type));
  return print(Json{{"protocols", all}}.dump(2) + "\n");
}

Exit show_one(std::span<const ServiceType> types, const std::string& name, bool json) {
  std::vector<std::string> known;
  for (const ServiceType& type : types) {
    if (name == type.name) return print(json ? to_json(type).dump(2) + "\n" : page(type));
    known.emplace_back(type.name);
  }
  return fail(kUsage, unknown("there is no protocol", name, known));
}

}  // namespace

Command add_protocols(CLI::App& root, std::span<const ServiceType> types) {
  struct Request {
    std::string name;
    bool json = false;
  };
  auto request = std::make_shared<Request>();
  CLI::App* app = root.add_subcommand("protocols", "List the protocols, or the options of one.");
  app->group("Commands");
  app->allow_extras();
  app->add_option("NAME", request->name, "the protocol whose options to list")->type_name("");
  app->add_flag("--json", request->json, "as JSON");
  set_usage(*app, "weir protocols [NAME] [--json]");
  app->footer("Examples:\n  weir protocols\n  weir protocols echo\n  weir protocols --json");
  return {app, [app, request, types] {
            if (const Exit wrong = reject_unknown(*app); wrong != kDone) return wrong;
            if (request->name.empty()) return show_all(types, request->json);
            return show_one(types, request->name, request->json);
          }};
}

}  // namespace weir::program
