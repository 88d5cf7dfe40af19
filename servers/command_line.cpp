#include "command_line.hpp"

#include <weir/text.hpp>

#include "terminal.hpp"

namespace weir::program {

namespace {

class Usage final : public CLI::Formatter {
 public:
  explicit Usage(std::string usage) : usage_(std::move(usage)) {
    label("Positionals", "Arguments");
    column_width(26);
  }
  std::string make_usage(const CLI::App*, std::string) const override {
    return "Usage: " + usage_ + "\n";
  }

 private:
  std::string usage_;
};

}  // namespace

void set_usage(CLI::App& app, const std::string& usage) {
  app.formatter(std::make_shared<Usage>(usage));
}

std::string placeholder(const OptionInfo& option) {
  if (option.kind == "flag") return "";
  if (option.kind == "duration") return "TIME";
  if (option.kind == "urls") return "URL";
  std::string name;
  for (const char letter : option.kind) name += static_cast<char>(letter - 'a' + 'A');
  return name;
}

std::string explain(const OptionInfo& option) {
  std::string text = option.help;
  if (option.kind == "flag") return text;
  std::string details = option.range;
  if (!option.default_value.empty()) {
    details = "default " + option.default_value + (details.empty() ? "" : "; ") + details;
  }
  if (option.required) details = "required" + (details.empty() ? details : "; " + details);
  if (!details.empty()) text += " (" + details + ")";
  return text;
}

std::string sample(const OptionInfo& option) {
  if (!option.default_value.empty()) return option.default_value;
  return option.kind == "urls" ? "tcp://127.0.0.1:8000" : "'> '";
}

std::string required_options(const ServiceType& type, std::string (*value)(const OptionInfo&)) {
  std::string text;
  for (const OptionInfo& option : describe_options(type)) {
    if (option.required) text += " --" + option.name + " " + value(option);
  }
  return text;
}

void add_options(CLI::App& app, const std::vector<OptionInfo>& options, OptionValues& values,
                 const std::string& group) {
  for (const OptionInfo& option : options) {
    const std::string flag = "--" + option.name;
    if (option.kind == "flag") {
      // As it was said, "--trace=off" included, so that nonsense is told like any other.
      const auto said = std::make_shared<std::vector<std::string>>();
      const auto set = [&values, name = option.name, said](const std::string& text) {
        values[name].push_back(text == "true" ? "on" : text);
      };
      app.add_flag(flag, *said, explain(option))->each(set)->group(group);
      continue;
    }
    // All values of an option are kept: whether it may be given twice is for the reader to say.
    const auto set = [&values, name = option.name](const CLI::results_t& given) {
      values[name] = given;
      return true;
    };
    app.add_option(flag, set, explain(option))
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->type_name(placeholder(option))
        ->group(group);
  }
}

std::string unknown(const std::string& what, const std::string& word,
                    std::span<const std::string> known) {
  std::string sentence = what + " \"" + escape(word) + "\"";
  const std::string meant = nearest(word, known);
  if (!meant.empty()) sentence += "; did you mean \"" + meant + "\"?";
  return sentence;
}

Exit reject_unknown(const CLI::App& app) {
  std::vector<std::string> known;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
  }
  std::vector<std::string> faults;
  bool value = false;  // What follows an unknown option is most likely its value.
  for (const std::string& word : app.remaining()) {
    const std::string name = word.substr(0, word.find('='));
    const bool dashed = word.starts_with('-');
    if (std::exchange(value, dashed && name == word) && !dashed) continue;
    faults.push_back(dashed ? unknown(app.get_name() + " has no option", name, known)
                            : "\"" + escape(word) + "\" is one argument too many");
  }
  // What stands before the command's name, or after "--", is the parents'.
  for (const CLI::App* above = app.get_parent(); above != nullptr; above = above->get_parent()) {
    for (const std::string& word : above->remaining()) {
      if (word == "--") continue;
      faults.push_back("\"" + escape(word) + "\" is out of place; say it behind \"" +
                       app.get_name() + "\", and without \"--\"");
    }
  }
  return reject(faults);
}

Exit misuse(const CLI::App& app, std::string_view sentence) {
  if (!sentence.empty()) fail(kUsage, sentence);
  write_all(2, app.help());
  return kUsage;
}

void add_sentences(std::vector<std::string>& to, const std::vector<OptionFault>& faults) {
  for (const OptionFault& fault : faults) to.push_back(fault.sentence);
}

Exit reject(std::span<const std::string> faults) {
  for (const std::string& fault : faults) fail(kUsage, fault);
  return faults.empty() ? kDone : kUsage;
}

}  // namespace weir::program
