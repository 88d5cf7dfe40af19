// The `weir` program: its subcommands, and what must be so before any of them runs.
#include <csignal>
#include <cstdlib>
#include <stdexcept>

#include <protocols/bundled.hpp>
#include <weir/text.hpp>

#include "command_line.hpp"
#include "process_words.hpp"
#include "terminal.hpp"

namespace weir::program {
namespace {

constexpr const char* kExamples = R"(Examples:
  weir serve echo tcp://127.0.0.1:7007        then, elsewhere: nc -N 127.0.0.1 7007
  weir serve time tcp://127.0.0.1:3737        then, elsewhere: rdate -p -o 3737 127.0.0.1
  weir run weir.toml
  weir check weir.toml
  weir connect tcp://127.0.0.1:7007 -m 'Hello, world!'
  weir protocols echo
  weir bench tcp://127.0.0.1:7007
  weir doctor tcp://127.0.0.1:7007 --connections 10000
  weir serve echo --help

Exit status: 0 done, 1 drain forced, 64 wrong command line, 66 no input, 68 host not found,
69 refused or in use, 70 internal, 71 system, 73 cannot create, 75 timeout, 76 peer's fault,
77 permission, 78 wrong in a configuration file; of bench, 98 figures not valid, 99 threshold broken.)";

void prepare_process() {
  open_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN);
  // Lookups may take half of the pool's threads, and four are few. Read once, at the pool's start.
  setenv("UV_THREADPOOL_SIZE", "16", 0);
}

Exit misspelt(const CLI::App& root) {
  if (root.remaining().empty()) {
    return misuse(root, "a command is missing, as in \"weir serve echo tcp://127.0.0.1:7007\"");
  }
  const std::string word = root.remaining().front();
  if (word.starts_with('-')) return reject_unknown(root);
  std::vector<std::string> known;
  for (const CLI::App* command : root.get_subcommands({})) known.push_back(command->get_name());
  return fail(kUsage, unknown("there is no command", word, known));
}

Exit run(int argc, const char* const* argv) {
  CLI::App root("Weir: an event-loop server. Nothing is ever buffered without a bound.", "weir");
  root.set_help_flag("-h,--help", "print this help and stop");
  root.set_version_flag("--version", std::string("weir ") + WEIR_VERSION,
                        "print the version and stop");
  root.require_subcommand(0, 1);
  root.allow_extras();
  set_usage(root, "weir COMMAND ...");
  root.footer(kExamples);

  const auto types = protocols::bundled();
  const Command commands[] = {add_serve(root, types),
                              add_run(root, types),
                              add_check(root, types),
                              add_connect(root),
                              add_protocols(root, types),
                              add_config(root, types),
                              add_bench(root),
                              add_doctor(root)};
  try {
    root.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return print(root.help());
  } catch (const CLI::CallForVersion& version) {
    return print(std::string(version.what()) + "\n");
  } catch (const CLI::ParseError& error) {
    return fail(kUsage, escape(error.what()));
  } catch (const std::invalid_argument&) {  // CLI11 lets its own conversion's escape.
    return fail(kUsage, "a flag takes no value but \"on\" or \"off\"");
  }
  for (const Command& command : commands) {
    if (command.app->parsed()) return command.run();
  }
  return misspelt(root);
}

}  // namespace
}  // namespace weir::program

int main(int argc, char** argv) {
  using namespace weir;
  using namespace weir::program;
  prepare_process();
  remember_words(argc, argv);
  try {
    return run(argc, argv);
  } catch (const SetupError& error) {
    return fail(exit_for(error.kind()), error.what());
  } catch (const std::exception& error) {
    return fail(kInternal, "internal error: " + escape(error.what()));
  }
}
