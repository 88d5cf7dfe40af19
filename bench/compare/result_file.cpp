#include "result_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>

#include <weir/text.hpp>

namespace weir::load {

namespace {

using Json = nlohmann::ordered_json;
using Kind = ResultFileError::Kind;

constexpr std::size_t kFileMost = 64 << 20;  // Bytes; a day's timeline is 15 MB.

enum Type : unsigned {
  kNull = 1,
  kFlag = 2,
  kNumber = 4,
  kText = 8,
  kList = 16,
  kObject = 32,
  kAbsent = 64,
};

struct Field {
  const char* name;
  unsigned types;
};

constexpr Field kFields[] = {
    {"weir", kText},
    {"started", kText},
    {"command", kList},
    {"scenario", kText},
    {"target", kText},
    {"options", kObject},
    {"connections", kNumber},
    {"duration_s", kNumber},
    {"messages", kNumber},
    {"bytes", kNumber},
    {"rate", kNumber | kNull},
    {"errors", kNumber},
    {"dropped", kNumber},
    {"unanswered", kNumber},
    {"latency_us", kObject},
    {"service_us", kObject | kNull},
    {"lag_us", kObject | kNull},
    {"valid", kFlag},
    {"reason", kText},
    {"limited_by", kText | kNull},
    {"thresholds", kList},
    {"find_max", kObject | kNull},
    {"generator", kObject},
    {"server", kObject | kNull},
    {"timeline", kList},
    {"percentiles", kList},
    {"environment", kObject},
};

constexpr Field kLatencies[] = {
    {"p50", kNumber | kNull},  {"p90", kNumber | kNull}, {"p99", kNumber | kNull},
    {"p999", kNumber | kNull}, {"max", kNumber | kNull},
};

constexpr Field kServer[] = {
    {"cpu_us_per_message", kNumber | kNull | kAbsent},
    {"cpu_s_per_gib", kNumber | kNull | kAbsent},
    {"bytes_per_connection", kNumber | kNull | kAbsent},
};

constexpr Field kSecond[] = {
    {"at_s", kNumber},           {"span_s", kNumber},         {"rate", kNumber},
    {"p50_us", kNumber | kNull}, {"p99_us", kNumber | kNull}, {"max_us", kNumber | kNull},
    {"connections", kNumber},    {"errors", kNumber},
};

constexpr Field kStep[] = {{"percentile", kNumber}, {"us", kNumber}, {"count", kNumber}};

unsigned type_of(const Json& value) {
  if (value.is_null()) return kNull;
  if (value.is_boolean()) return kFlag;
  if (value.is_number()) return kNumber;
  if (value.is_string()) return kText;
  return value.is_array() ? kList : kObject;
}

std::string name_of(unsigned types) {
  constexpr const char* names[] = {"null", "a flag", "a number", "a text", "a list", "an object"};
  std::string text;
  for (unsigned i = 6; i-- > 0;) {
    if ((types >> i & 1) != 0) text += (text.empty() ? "" : " or ") + std::string(names[i]);
  }
  return text;
}

[[noreturn]] void refuse(const std::string& file, const std::string& what) {
  throw ResultFileError(Kind::malformed, "\"" + escape(file) + "\" " + what);
}

// Checks an object's fields; `where` is the way to them, as in "timeline[3].".
template <std::size_t N>
void check(const Json& object, const Field (&fields)[N], const std::string& where,
           const std::string& file) {
  const auto refuse_field = [&](const std::string& name, const std::string& what) {
    refuse(file, "is no result of weir bench: its \"" + where + name + "\" " + what);
  };
  for (const Field& field : fields) {
    const auto found = object.find(field.name);
    if (found == object.end()) {
      if ((field.types & kAbsent) == 0) refuse_field(field.name, "is missing");
    } else if (const unsigned type = type_of(*found); (type & field.types) == 0) {
      refuse_field(field.name,
                   "is " + name_of(type) + ", and should be " + name_of(field.types & ~kAbsent));
    }
  }
}

template <std::size_t N>
void check_each(const Json& result, const char* list, const Field (&fields)[N],
                const std::string& file) {
  const Json& items = result[list];
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::string item = list + ("[" + std::to_string(i) + "]");
    if (!items[i].is_object()) {
      refuse(file, "is no result of weir bench: its \"" + item + "\" should be an object");
    }
    check(items[i], fields, item + ".", file);
  }
}

void check_format(const Json& result, const std::string& file) {
  if (!result.is_object() || !result.contains("format")) {
    refuse(file, "is no result of weir bench: it does not say \"format\": 1");
  }
  if (result["format"] != 1) {
    refuse(file, "is of format " + escape(result["format"].dump(-1, ' ', true), 20) +
                     ", and this weir reads format 1");
  }
}

// Of a byte, counted from 1.
std::string place(const std::string& text, std::size_t byte) {
  const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(byte, text.size()));
  const auto line = std::count(text.begin(), end, '\n') + 1;
  const auto column = end - std::find(std::reverse_iterator(end), text.rend(), '\n').base();
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

}  // namespace

Json parse_result(const std::string& text, const std::string& file) {
  Json result;
  try {
    result = Json::parse(text);
  } catch (const Json::parse_error& wrong) {
    if (text.find_first_not_of(" \t\r\n") == std::string::npos) refuse(file, "is empty");
    refuse(file, "is not JSON from " + place(text, wrong.byte) + " on");
  } catch (const Json::out_of_range&) {
    refuse(file, "is not JSON that can be read: a number in it is too large");
  }
  check_format(result, file);
  check(result, kFields, "", file);
  check(result["latency_us"], kLatencies, "latency_us.", file);
  if (result["server"].is_object()) check(result["server"], kServer, "server.", file);
  check_each(result, "timeline", kSecond, file);
  check_each(result, "percentiles", kStep, file);
  return result;
}

Json read_result(const std::string& file) {
  const auto unreadable = [&file](const std::string& why) {
    return ResultFileError(Kind::unreadable, "cannot read \"" + escape(file) + "\": " + why);
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in(std::fopen(file.c_str(), "rb"),
                                                           &std::fclose);
  if (!in) throw unreadable(std::generic_category().message(errno));
  std::string text;
  std::string chunk(64 << 10, '\0');
  while (const std::size_t got = std::fread(chunk.data(), 1, chunk.size(), in.get())) {
    text.append(chunk, 0, got);
    if (text.size() > kFileMost) throw unreadable("it is longer than 64 MiB");
  }
  if (std::ferror(in.get()) != 0) throw unreadable(std::generic_category().message(errno));
  return parse_result(text, file);
}

}  // namespace weir::load
