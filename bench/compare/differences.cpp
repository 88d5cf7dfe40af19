#include "differences.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace weir::load {

namespace {

using Json = nlohmann::ordered_json;

// Options that change how long or how closely was looked, not what was asked of the target.
constexpr std::array<std::string_view, 8> kOfTheLook = {
    "duration", "warmup", "warm-up", "pid", "seed", "timeout", "threshold", "agents"};
// Options of where output goes.
constexpr std::array<std::string_view, 6> kOfOutput = {"json", "html",  "hlog",
                                                       "csv",  "quiet", "output"};

template <class List>
bool is_in(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

std::string shown(const Json& value) {
  if (value.is_null()) return "-";
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

class Differences {
 public:
  void compare(const std::string& what, const Json& a, const Json& b, bool essential) {
    if (a != b) found_.push_back({what, shown(a), shown(b), essential});
  }

  // Every field of two objects that either has; `name` says how it is called, "" that it does not count.
  template <class Name, class Essential>
  void compare_all(const Json& a, const Json& b, Name name, Essential essential) {
    for (const auto& [key, value] : a.items()) {
      if (const std::string what = name(key); !what.empty()) {
        compare(what, value, b.value(key, Json()), essential(key));
      }
    }
    for (const auto& [key, value] : b.items()) {
      const std::string what = a.contains(key) ? "" : name(key);
      if (!what.empty()) compare(what, Json(), value, essential(key));
    }
  }

  std::vector<Difference> take() {
    std::stable_partition(found_.begin(), found_.end(),
                          [](const Difference& each) { return each.essential; });
    return std::move(found_);
  }

 private:
  std::vector<Difference> found_;
};

// "tls ?verify=off": how the target is reached, without where it is.
std::string manner(const Json& result) {
  const auto target = result["target"].get<std::string>();
  const std::size_t query = target.find('?');
  return target.substr(0, target.find(':')) +
         (query == std::string::npos ? "" : " " + target.substr(query));
}

}  // namespace

std::vector<Difference> differences(const Json& a, const Json& b) {
  Differences found;
  const auto compare = [&](const char* field, bool essential) {
    found.compare(field, a[field], b[field], essential);
  };
  compare("scenario", true);
  compare("target", manner(a) != manner(b));
  const Json& options_a = a["options"];
  const Json& options_b = b["options"];
  // How many there were to be is the option; how many were made varies where they come and go.
  if (!options_a.contains("connections") && !options_b.contains("connections")) {
    compare("connections", true);
  }
  found.compare_all(
      options_a, options_b,
      [](const std::string& key) { return is_in(kOfOutput, key) ? "" : "--" + key; },
      [](const std::string& key) { return !is_in(kOfTheLook, key); });
  compare("weir", false);
  found.compare_all(
      a["environment"], b["environment"],
      [](const std::string& key) { return key == "load_average" ? "" : "environment: " + key; },
      [](const std::string&) { return false; });
  return found.take();
}

}  // namespace weir::load
