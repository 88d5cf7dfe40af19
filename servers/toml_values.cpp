#include "toml_values.hpp"

#include <optional>

#include <weir/text.hpp>

namespace weir::program {

namespace {

std::string type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a fraction";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

std::string expected(const OptionInfo& option) {
  if (option.kind == "size") return "bytes, as in 4096 or \"64KiB\"";
  if (option.kind == "number") return "a whole number";
  if (option.kind == "duration") return "a duration, as in \"30s\", or seconds";
  if (option.kind == "flag") return "true or false";
  if (option.kind == "choice") return "one of " + option.range + ", in quotes";
  if (option.kind == "list") return "texts, as in [\"server.pem\"]";
  if (option.kind == "urls") return "URLs, as in [\"tcp://127.0.0.1:7000\"]";
  return "a text in quotes";
}

using Texts = std::optional<std::vector<std::string>>;

Texts texts_of_array(const toml::array& array) {
  std::vector<std::string> texts;
  for (const toml::node& each : array) {
    const auto* const text = each.as_string();
    if (text == nullptr) return {};
    texts.push_back(text->get());
  }
  return texts;
}

// As it would stand on the command line; nothing if the option takes no such type.
Texts texts_of(const toml::node& node, const std::string& kind) {
  if (kind == "flag") {
    if (const auto* const flag = node.as_boolean()) return {{flag->get() ? "on" : "off"}};
    const auto* const word = node.as_string();  // As it stands on the command line and in URLs.
    if (word == nullptr || (word->get() != "on" && word->get() != "off")) return {};
    return {{word->get()}};
  }
  const bool counts = kind == "size" || kind == "number" || kind == "duration";
  if (const auto* const number = node.as_integer(); number != nullptr && counts) {
    return {{std::to_string(number->get())}};
  }
  if (const auto* const text = node.as_string(); text != nullptr && kind != "number") {
    return {{text->get()}};
  }
  if (const auto* const array = node.as_array();
      array != nullptr && (kind == "urls" || kind == "list")) {
    return texts_of_array(*array);
  }
  return {};
}

// The first element of an array that is no text; else the value itself.
const toml::node& culprit(const toml::node& node) {
  const auto* const array = node.as_array();
  if (array == nullptr) return node;
  for (const toml::node& each : *array) {
    if (!each.is_string()) return each;
  }
  return node;
}

std::string no_such_key(const std::string& name, const std::vector<OptionInfo>& declared) {
  std::vector<std::string> known;
  for (const OptionInfo& option : declared) known.push_back(option.name);
  const std::string near = nearest(name, known);
  std::string sentence = "there is no key \"" + escape(name, 200) + "\"";
  if (!near.empty()) return sentence + ", did you mean \"" + near + "\"?";
  sentence += ", expected one of ";
  for (const std::string& each : known) {
    if (&each != &known.front()) sentence += ", ";
    sentence += each;
  }
  return sentence;
}

const OptionInfo* find(const std::vector<OptionInfo>& declared, std::string_view name) {
  for (const OptionInfo& option : declared) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

}  // namespace

Place place_of(const toml::source_position& at) {
  return {std::max<std::size_t>(at.line, 1), std::max<std::size_t>(at.column, 1)};
}

Place place_of(const toml::node& node) { return place_of(node.source().begin); }

Given read_table(const toml::table& table, const std::vector<OptionInfo>& declared,
                 const std::string& who, std::vector<Fault>& faults) {
  Given given;
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    const OptionInfo* const option = find(declared, name);
    if (option == nullptr) {
      faults.push_back({place_of(key.source().begin), who + ": " + no_such_key(name, declared)});
      continue;
    }
    given.places[name] = place_of(node);
    if (option->kind == "table") continue;  // Read by who declared it.
    const Texts texts = texts_of(node, option->kind);
    if (texts) {
      given.values[name] = *texts;
    } else {
      const toml::node& wrong = culprit(node);
      std::string text = who;
      text.append(": option \"").append(name).append("\" is ").append(type_name(wrong));
      text.append(", expected ").append(expected(*option));
      faults.push_back({place_of(wrong), std::move(text)});
    }
  }
  return given;
}

}  // namespace weir::program
