// weir run FILE.toml
#include <cerrno>
#include <memory>
#include <system_error>

#include <sys/stat.h>

#include <weir/text.hpp>

#include "command_line.hpp"
#include "configuration.hpp"
#include "serving.hpp"
#include "terminal.hpp"

namespace weir::program {
namespace {

std::vector<Listen> listens(const Configuration& found) {
  std::vector<Listen> services;
  for (const ServiceSection& section : found.services) services.push_back(section.listen);
  return services;
}

// What only a restart changes, and what it was at the start.
void refuse_changes(Configuration& found, const ServerOptions& before) {
  const ServerOptions now = found.process.options();
  const auto keep = [&](const char* key, bool same) {
    const auto at = found.given.places.find(key);
    if (same) return;
    found.faults.push_back({at == found.given.places.end() ? Place{} : at->second,
                            std::string("server: ") + key + " changes with a restart only"});
  };
  keep("loops", now.loops == before.loops);
  keep("pipes-max", now.pipes_max == before.pipes_max);
  keep("trace", now.trace == before.trace);
  keep("log-file", now.log_file == before.log_file);
  keep("log-format", now.log_json == before.log_json);
  keep("once", now.accepts == before.accepts);
  sort_faults(found);
}

// Called on HUP. What it throws is logged, and changes nothing.
Reload read_again(const std::string& file, std::span<const ServiceType> types,
                  const ServerOptions& before) {
  struct stat about {};
  const bool is_there = file != "-" && ::stat(file.c_str(), &about) == 0;
  if (file != "-" && !is_there) {
    throw SetupError("cannot read " + escape(file) + ": " + std::generic_category().message(errno));
  }
  if (!is_there || !S_ISREG(about.st_mode)) {
    throw SetupError(escape(file) + " cannot be read again: it is no regular file");
  }
  Configuration found = read_configuration(file, types);
  if (found.faults.empty()) refuse_changes(found, before);
  std::string all;
  for (const std::string& sentence : found.sentences()) all += (all.empty() ? "" : "; ") + sentence;
  if (!all.empty()) throw SetupError(all);
  const ServerOptions now = found.process.options();
  return {listens(found), now.connections, now.drain, now.level, now.access_log};
}

Exit run(const CLI::App& app, const std::string& file, std::span<const ServiceType> types) {
  if (const Exit wrong = reject_unknown(app); wrong != kDone) return wrong;
  if (file.empty()) return misuse(app, "run needs a configuration, as in \"weir run weir.toml\"");
  Configuration found;
  if (const Exit wrong = load(found, file, types); wrong != kDone) return wrong;
  ServerOptions options = found.process.options();
  options.on_reload = [file, types, before = options] { return read_again(file, types, before); };
  return serve_all(std::move(options), types, listens(found));
}

}  // namespace

Command add_run(CLI::App& root, std::span<const ServiceType> types) {
  auto file = std::make_shared<std::string>();
  CLI::App* app = root.add_subcommand("run", "Serve everything that a configuration file names.");
  app->group("Commands");
  app->allow_extras();
  app->add_option("FILE", *file, "the configuration, in TOML; - is standard input")->type_name("");
  set_usage(*app, "weir run FILE");
  app->footer(
      "Examples:\n  weir run weir.toml\n  weir check weir.toml       what is wrong with it, if "
      "anything\n  weir config reference      every key there is\n\n"
      "HUP reads the file again: everything it names is opened and changed over to, or, if "
      "anything "
      "is\nwrong, nothing is changed. Open connections go on.\n"
      "A file with a fault starts nothing: every fault is told with its place, and the exit status "
      "is 78.");
  return {app, [app, file, types] { return run(*app, *file, types); }};
}

}  // namespace weir::program
