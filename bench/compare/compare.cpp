#include "compare.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace weir::load {

namespace {

using Json = nlohmann::ordered_json;

constexpr double kNotable = 0.03;

std::optional<double> number(const Json& object, const char* field) {
  const auto found = object.find(field);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  const auto value = found->get<double>();
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::vector<Sample> seconds_of_rate(const Json& result) {
  std::vector<Sample> seconds;
  for (const Json& row : result["timeline"]) {
    const auto span = number(row, "span_s");
    const auto rate = number(row, "rate");
    if (span && rate && *span > 0) seconds.push_back({*rate, *span});
  }
  return seconds;
}

// Each weighs as many messages as it had, as it does in the p99 of all.
std::vector<Sample> seconds_of_p99(const Json& result) {
  std::vector<Sample> seconds;
  for (const Json& row : result["timeline"]) {
    const double messages = number(row, "rate").value_or(0) * number(row, "span_s").value_or(0);
    const auto p99 = number(row, "p99_us");
    if (p99 && messages > 0) seconds.push_back({*p99, messages});
  }
  return seconds;
}

Verdict judge(const Figure& figure) {
  if (!figure.interval || !figure.ratio) return Verdict::no_interval;
  const bool up = figure.interval->low > 1 && *figure.ratio > 1 + kNotable;
  const bool down = figure.interval->high < 1 && *figure.ratio < 1 - kNotable;
  if (!up && !down) return Verdict::no_difference;
  return up == figure.more_is_better ? Verdict::better : Verdict::worse;
}

struct Name {
  const char* name;
  const char* title;
  const char* unit;
};

Figure figure_of(const Name& called, const Json& a, const Json& b, const char* field) {
  Figure figure;
  figure.name = called.name;
  figure.title = called.title;
  figure.unit = called.unit;
  figure.a = number(a, field);
  figure.b = number(b, field);
  if (figure.a && figure.b && *figure.a > 0) figure.ratio = *figure.b / *figure.a;
  return figure;
}

Figure rate(const Json& a, const Json& b, bool bulk) {
  Figure figure = figure_of({"rate", "rate", bulk ? "bytes/s" : "messages/s"}, a, b, "rate");
  figure.more_is_better = true;
  figure.is_judged = true;
  figure.interval = bootstrap_ratio(seconds_of_rate(a), seconds_of_rate(b));
  return figure;
}

Figure latency(const Json& a, const Json& b, const char* name, const char* title) {
  Figure figure = figure_of({name, title, "us"}, a["latency_us"], b["latency_us"], name);
  if (figure.name == "p99") {
    figure.is_judged = true;
    figure.interval = bootstrap_ratio(seconds_of_p99(a), seconds_of_p99(b));
  }
  return figure;
}

Figure server_cpu(const Json& a, const Json& b, bool bulk) {
  const Name called = bulk ? Name{"server_cpu_per_gib", "server CPU per GiB", "s"}
                           : Name{"server_cpu_per_message", "server CPU per message", "us"};
  Figure figure =
      figure_of(called, a["server"], b["server"], bulk ? "cpu_s_per_gib" : "cpu_us_per_message");
  figure.is_judged = true;
  return figure;
}

Figure memory(const Json& a, const Json& b) {
  return figure_of({"bytes_per_connection", "memory per connection", "bytes"}, a["server"],
                   b["server"], "bytes_per_connection");
}

Compared describe(const Json& result, const std::string& file) {
  const auto text = [&result](const char* field) { return result[field].get<std::string>(); };
  Compared side;
  side.file = file;
  side.about = "weir " + text("weir") + ", " + text("started") + ", " + text("scenario") + " " +
               text("target");
  if (!result["valid"].get<bool>()) {
    side.not_valid = text("reason").empty() ? "it does not say why" : text("reason");
  }
  return side;
}

}  // namespace

bool Comparison::is_same_measurement() const {
  return std::none_of(differences.begin(), differences.end(),
                      [](const Difference& each) { return each.essential; });
}

Comparison compare(const Json& a, const std::string& file_a, const Json& b,
                   const std::string& file_b) {
  const bool bulk = a["scenario"] == "send" || a["scenario"] == "receive";
  Comparison found{describe(a, file_a), describe(b, file_b), differences(a, b), {}};
  found.figures.push_back(rate(a, b, bulk));
  found.figures.push_back(latency(a, b, "p50", "p50"));
  found.figures.push_back(latency(a, b, "p90", "p90"));
  found.figures.push_back(latency(a, b, "p99", "p99"));
  found.figures.push_back(latency(a, b, "p999", "p99.9"));
  found.figures.push_back(latency(a, b, "max", "max"));
  found.figures.push_back(server_cpu(a, b, bulk));
  found.figures.push_back(memory(a, b));
  found.figures.push_back(figure_of({"errors", "errors", ""}, a, b, "errors"));
  for (Figure& figure : found.figures) figure.verdict = judge(figure);
  return found;
}

std::vector<Figure> worse_by(const Comparison& comparison, double share) {
  std::vector<Figure> worse;
  for (const Figure& figure : comparison.figures) {
    if (!figure.is_judged || !figure.ratio) continue;
    const Interval known = figure.interval.value_or(Interval{*figure.ratio, *figure.ratio});
    const bool surely = figure.more_is_better ? std::max(known.high, *figure.ratio) < 1 - share
                                              : std::min(known.low, *figure.ratio) > 1 + share;
    if (surely) worse.push_back(figure);
  }
  return worse;
}

}  // namespace weir::load
