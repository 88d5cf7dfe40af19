#include <weir/options.hpp>

#include <algorithm>
#include <limits>

#include <weir/text.hpp>

#include "option_readers.hpp"
#include "units.hpp"

namespace weir {

namespace {

constexpr std::string_view kSizeForm = "bytes such as 4096, 64KiB or 1MB";
constexpr std::string_view kDurationForm = "a duration such as 250ms, 30s, 5m or 1h";

std::string quoted(std::string_view text) { return '"' + escape(text, 200) + '"'; }

std::string joined(std::span<const std::string> words, std::string_view between) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += between;
    out += word;
  }
  return out;
}

template <class T>
std::string range(T least, T most) {
  using Limits = std::numeric_limits<T>;
  const bool from = least != Limits::min();
  const bool to = most != Limits::max();
  if (from && to) return std::to_string(least) + " to " + std::to_string(most);
  if (from) return "at least " + std::to_string(least);
  return to ? "at most " + std::to_string(most) : "";
}

std::string size_range(std::size_t least, std::size_t most) {
  const std::string numbers = range(least, most);
  return numbers.empty() ? "" : numbers + " bytes";
}

std::string duration_range(Millis least, Millis most) {
  const bool bounded = most != Millis::max();
  if (least.count() <= 0) return bounded ? "off, or at most " + duration_text(most) : "";
  const std::string from = duration_text(least);
  return bounded ? from + " to " + duration_text(most) : "at least " + from;
}

// What to write instead: the range where there is one, else just the form.
std::string expected(std::string_view form, const std::string& range) {
  return range.empty() ? std::string(form) : range;
}

template <class T>
bool between(T value, T least, T most) {
  return least <= value && value <= most;
}

}  // namespace

void DescribingReader::size(std::string_view name, std::size_t& value, std::size_t least,
                            std::size_t most, std::string_view help) {
  infos_.push_back(
      {std::string(name), "size", size_text(value), size_range(least, most), std::string(help)});
}

void DescribingReader::number(std::string_view name, std::int64_t& value, std::int64_t least,
                              std::int64_t most, std::string_view help) {
  infos_.push_back(
      {std::string(name), "number", std::to_string(value), range(least, most), std::string(help)});
}

void DescribingReader::duration(std::string_view name, Millis& value, Millis least, Millis most,
                                std::string_view help) {
  infos_.push_back({std::string(name), "duration", duration_text(value),
                    duration_range(least, most), std::string(help)});
}

void DescribingReader::text(std::string_view name, std::string& value, std::string_view help) {
  infos_.push_back({std::string(name), "text", value, "", std::string(help)});
}

void DescribingReader::flag(std::string_view name, bool& value, std::string_view help) {
  infos_.push_back({std::string(name), "flag", value ? "on" : "off", "on, off", std::string(help)});
}

void DescribingReader::choice(std::string_view name, std::string& value,
                              std::initializer_list<std::string_view> choices,
                              std::string_view help) {
  const std::vector<std::string> words(choices.begin(), choices.end());
  infos_.push_back({std::string(name), "choice", value, joined(words, ", "), std::string(help)});
}

void DescribingReader::urls(std::string_view name, std::vector<Url>& value, std::string_view help) {
  std::vector<std::string> texts;
  for (const Url& url : value) texts.push_back(url.text());
  infos_.push_back({std::string(name), "urls", joined(texts, " "), "", std::string(help)});
}

void DescribingReader::require(std::string_view name) {
  for (OptionInfo& info : infos_) {
    if (info.name == name) info.required = true;
  }
}

void ApplyingReader::size(std::string_view name, std::size_t& value, std::size_t least,
                          std::size_t most, std::string_view) {
  const std::string* text = given_once(name);
  if (!text) return;
  const auto size = parse_size(*text);
  if (!size) return fault(name, *text, std::string(kSizeForm));
  if (!between(*size, least, most)) return fault(name, *text, size_range(least, most));
  value = *size;
}

void ApplyingReader::number(std::string_view name, std::int64_t& value, std::int64_t least,
                            std::int64_t most, std::string_view) {
  const std::string* text = given_once(name);
  if (!text) return;
  const auto number = parse_number(*text);
  if (!number) return fault(name, *text, expected("a whole number", range(least, most)));
  if (!between(*number, least, most)) return fault(name, *text, range(least, most));
  value = *number;
}

void ApplyingReader::duration(std::string_view name, Millis& value, Millis least, Millis most,
                              std::string_view) {
  const std::string* text = given_once(name);
  if (!text) return;
  const auto duration = parse_duration(*text);
  if (!duration) return fault(name, *text, std::string(kDurationForm));
  if (!between(*duration, least, most)) return fault(name, *text, duration_range(least, most));
  value = *duration;
}

void ApplyingReader::text(std::string_view name, std::string& value, std::string_view) {
  const std::string* text = given_once(name);
  if (!text) return;
  if (text->find('\0') != std::string::npos) return fault(name, *text, "text without zero bytes");
  value = *text;
}

void ApplyingReader::flag(std::string_view name, bool& value, std::string_view) {
  const auto found = values_.find(name);
  if (found != values_.end() && found->second.empty()) {
    declared_.emplace_back(name);
    value = true;
    return;
  }
  const std::string* text = given_once(name);
  if (!text) return;
  const auto flag = parse_flag(*text);
  if (!flag) return fault(name, *text, "on or off");
  value = *flag;
}

void ApplyingReader::choice(std::string_view name, std::string& value,
                            std::initializer_list<std::string_view> choices, std::string_view) {
  const std::string* text = given_once(name);
  if (!text) return;
  if (std::find(choices.begin(), choices.end(), *text) != choices.end()) {
    value = *text;
    return;
  }
  const std::vector<std::string> words(choices.begin(), choices.end());
  const std::string near = nearest(*text, words);
  fault(name, *text,
        "one of " + joined(words, ", ") +
            (near.empty() ? "" : "; did you mean " + quoted(near) + "?"));
}

void ApplyingReader::urls(std::string_view name, std::vector<Url>& value, std::string_view) {
  const std::vector<std::string>* texts = given(name);
  if (!texts) return;
  std::vector<Url> parsed;
  for (const std::string& text : *texts) {
    try {
      parsed.push_back(Url::parse(text));
    } catch (const SetupError& wrong) {
      add(name, std::string(": ") + wrong.what());
    }
  }
  if (parsed.size() == texts->size()) value = std::move(parsed);
}

void ApplyingReader::require(std::string_view name) {
  if (values_.find(name) != values_.end()) return;
  add(name, " is required");
}

// The values of an option that was given at least one.
const std::vector<std::string>* ApplyingReader::given(std::string_view name) {
  declared_.emplace_back(name);
  const auto found = values_.find(name);
  if (found == values_.end()) return nullptr;
  if (found->second.empty()) {
    add(name, " lacks a value");
    return nullptr;
  }
  return &found->second;
}

const std::string* ApplyingReader::given_once(std::string_view name) {
  const std::vector<std::string>* texts = given(name);
  if (!texts || texts->size() == 1) return texts ? texts->data() : nullptr;
  add(name, " is given " + std::to_string(texts->size()) + " times, expected once");
  return nullptr;
}

void ApplyingReader::fault(std::string_view name, const std::string& value,
                           const std::string& expected) {
  add(name, " is " + quoted(value) + ", expected " + expected);
}

void ApplyingReader::add(std::string_view name, const std::string& rest) {
  faults_.push_back(
      {std::string(name), std::string(protocol_) + ": option " + quoted(name) + rest});
}

std::string ApplyingReader::unknown(std::string_view name) const {
  std::string sentence = std::string(protocol_) + ": there is no option " + quoted(name);
  if (declared_.empty()) return sentence + ", this protocol takes none";
  const std::string near = nearest(name, declared_);
  if (!near.empty()) return sentence + ", did you mean " + quoted(near) + "?";
  return sentence + ", expected one of " + joined(declared_, ", ");
}

std::vector<OptionFault> ApplyingReader::faults() const {
  std::vector<OptionFault> all = faults_;
  for (const auto& [name, texts] : values_) {
    const bool known = std::find(declared_.begin(), declared_.end(), name) != declared_.end();
    if (!known) all.push_back({name, unknown(name)});
  }
  return all;
}

void ApplyingReader::throw_faults() const {
  std::vector<std::string> all;
  for (const OptionFault& fault : faults()) all.push_back(fault.sentence);
  if (!all.empty()) throw SetupError(joined(all, "; "));
}

std::vector<OptionInfo> describe_options(const ServiceType& type) {
  DescribingReader reader;
  type.declare(reader);
  return reader.infos();
}

std::vector<OptionFault> check_options(const ServiceType& type, const OptionValues& values) {
  ApplyingReader reader(type.name, values);
  type.declare(reader);
  return reader.faults();
}

std::unique_ptr<Protocol> make_protocol(const ServiceType& type, const OptionValues& values) {
  // Checked before anything is made, so that no protocol ever sees half of its options.
  ApplyingReader checker(type.name, values);
  type.declare(checker);
  checker.throw_faults();

  ApplyingReader reader(type.name, values);
  std::unique_ptr<Protocol> protocol = type.make(reader);
  reader.throw_faults();
  if (!protocol) throw SetupError(std::string(type.name) + ": the protocol could not be made");
  return protocol;
}

}  // namespace weir
