// weir check FILE.toml [--json]
#include <memory>
#include <nlohmann/json.hpp>

#include <weir/text.hpp>
#include <weir/tls.hpp>

#include "command_line.hpp"
#include "configuration.hpp"
#include "terminal.hpp"

namespace weir::program {

// Each fault begins with its place, so that an editor finds it.
Exit load(Configuration& into, const std::string& file, std::span<const ServiceType> types) {
  try {
    into = read_configuration(file, types);
  } catch (const SetupError& wrong) {
    return fail(kNoInput, wrong.what());
  }
  std::string lines;
  for (const std::string& sentence : into.sentences()) lines += sentence + "\n";
  write_all(2, lines);
  return into.faults.empty() ? kDone : kConfiguration;
}

namespace {

using Json = nlohmann::ordered_json;

struct Request {
  std::string file;
  bool json = false;
};

Exit print_json(const Configuration& found) {
  Json faults = Json::array();
  for (const Fault& fault : found.faults) {
    faults.push_back(
        {{"line", fault.at.line}, {"column", fault.at.column}, {"message", fault.sentence}});
  }
  Json shown = Json::array();
  Json warnings = Json::array();
  for (const ServiceSection& each : found.services) {
    const CertificateLines lines = certificates(each.listen);
    for (const std::string& line : lines.certificates) shown.push_back(line);
    for (const std::string& line : lines.warnings) warnings.push_back(line);
  }
  const Json all{{"file", found.file},
                 {"valid", found.faults.empty()},
                 {"faults", faults},
                 {"certificates", shown},
                 {"warnings", warnings}};
  const Exit printed = print(all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  return printed != kDone || found.faults.empty() ? printed : kConfiguration;
}

Exit check(const CLI::App& app, const Request& request, std::span<const ServiceType> types) {
  if (const Exit wrong = reject_unknown(app); wrong != kDone) return wrong;
  if (request.file.empty()) {
    return misuse(app, "check needs a configuration, as in \"weir check weir.toml\"");
  }
  if (request.json) {
    try {
      return print_json(read_configuration(request.file, types));
    } catch (const SetupError& wrong) {
      return fail(kNoInput, wrong.what());
    }
  }
  Configuration found;
  if (const Exit wrong = load(found, request.file, types); wrong != kDone) return wrong;
  const std::size_t count = found.services.size();
  for (const ServiceSection& each : found.services) {
    const CertificateLines lines = certificates(each.listen);
    std::string text;
    for (const std::string& line : lines.certificates) text += line + "\n";
    for (const std::string& line : lines.warnings) text += "warning: " + line + "\n";
    if (const Exit wrong = print(text); wrong != kDone) return wrong;
  }
  return print(escape(found.file) + ": " + std::to_string(count) +
               (count == 1 ? " service" : " services") + ", nothing wrong\n");
}

}  // namespace

Command add_check(CLI::App& root, std::span<const ServiceType> types) {
  auto request = std::make_shared<Request>();
  CLI::App* app =
      root.add_subcommand("check", "Tell everything that is wrong with a configuration.");
  app->group("Commands");
  app->allow_extras();
  app->add_option("FILE", request->file, "the configuration, in TOML; - is standard input")
      ->type_name("");
  app->add_flag("--json", request->json, "as JSON");
  set_usage(*app, "weir check FILE [--json]");
  app->footer(
      "Examples:\n  weir check weir.toml\n  weir check --json weir.toml\n\n"
      "Each fault is a line, FILE:LINE:COLUMN: what is wrong, and what was expected.\n"
      "Exit status: 0 nothing wrong, 66 the file cannot be read, 78 something wrong.");
  return {app, [app, request, types] { return check(*app, *request, types); }};
}

}  // namespace weir::program
