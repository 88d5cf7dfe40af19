// What the subcommands share on the command line: options made from declarations, and answers to
// what is wrong.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <weir/options.hpp>
#include <weir/service_type.hpp>

#include "exit_codes.hpp"

namespace weir::program {

// A subcommand: its place in the grammar, and what to do when it was chosen.
struct Command {
  CLI::App* app = nullptr;
  std::function<Exit()> run;
};

Command add_serve(CLI::App& root, std::span<const ServiceType> types);
Command add_connect(CLI::App& root);
Command add_protocols(CLI::App& root, std::span<const ServiceType> types);
Command add_run(CLI::App& root, std::span<const ServiceType> types);
Command add_check(CLI::App& root, std::span<const ServiceType> types);
Command add_config(CLI::App& root, std::span<const ServiceType> types);
Command add_bench(CLI::App& root);
Command add_doctor(CLI::App& root);

// One --name per declared option; what is given ends up in `values`, which must outlive `app`.
void add_options(CLI::App& app, const std::vector<OptionInfo>& options, OptionValues& values,
                 const std::string& group);

// "SIZE", "TIME", "TEXT"...: what stands for the value in a usage text.
std::string placeholder(const OptionInfo& option);

// A value that the option takes, for examples.
std::string sample(const OptionInfo& option);

// " --to URL": the options without which the protocol cannot be served, with what `value` gives.
std::string required_options(const ServiceType& type, std::string (*value)(const OptionInfo&));

// The help with default and range behind it.
std::string explain(const OptionInfo& option);

// The first line of the usage text, in place of one that CLI11 makes of the grammar.
void set_usage(CLI::App& app, const std::string& usage);

// Answers what the grammar of `app` had no place for: options it does not have, the nearest named.
// kDone if there is nothing.
Exit reject_unknown(const CLI::App& app);

// "no protocol \"ehco\"; did you mean \"echo\"?"
std::string unknown(const std::string& what, const std::string& word,
                    std::span<const std::string> known);

// A sentence, then how to call `app`, on standard error.
Exit misuse(const CLI::App& app, std::string_view sentence);

// Each fault as a sentence of its own; kDone if there is none.
Exit reject(std::span<const std::string> faults);

// Adds the sentences of faults to a list.
void add_sentences(std::vector<std::string>& to, const std::vector<OptionFault>& faults);

// The way to a Settings::read(OptionReader&) for options that are no protocol's. The public
// interface reads values by a ServiceType only, whose functions carry no state: hence the static.
template <class Settings>
class SettingsReader {
 public:
  static std::vector<OptionInfo> describe(Settings settings = {}) {
    target_ = &settings;
    return describe_options(kType);
  }

  // Sets what is given. Returns what is wrong, with `whose` in front.
  static std::vector<OptionFault> read(const OptionValues& values, Settings& settings,
                                       const char* whose = Settings::kName) {
    target_ = &settings;
    ServiceType type = kType;
    type.name = whose;
    return check_options(type, values);
  }

 private:
  static void declare(OptionReader& in) { target_->read(in); }
  static std::unique_ptr<Protocol> make(OptionReader& in) {
    target_->read(in);
    return nullptr;
  }

  static inline Settings* target_ = nullptr;
  static constexpr ServiceType kType{Settings::kName, "", &declare, &make};
};

}  // namespace weir::program
