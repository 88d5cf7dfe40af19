#include "threshold.hpp"

#include <array>
#include <charconv>

#include <weir/base.hpp>
#include <weir/text.hpp>

namespace weir::load {

namespace {

using Figure = Threshold::Figure;

struct Name {
  std::string_view name;
  Figure figure;
  bool time;
};
constexpr std::array kNames{Name{"p50", Figure::p50, true},       Name{"p90", Figure::p90, true},
                            Name{"p99", Figure::p99, true},       Name{"p99.9", Figure::p999, true},
                            Name{"p999", Figure::p999, true},     Name{"max", Figure::most, true},
                            Name{"cpu", Figure::cpu, true},       Name{"rate", Figure::rate, false},
                            Name{"errors", Figure::errors, false}};

struct Unit {
  std::string_view name;
  double nanos;
};
constexpr std::array kUnits{Unit{"ns", 1}, Unit{"us", 1e3}, Unit{"µs", 1e3}, Unit{"ms", 1e6},
                            Unit{"s", 1e9}};

[[noreturn]] void refuse(std::string_view text, const std::string& expected) {
  throw SetupError('"' + escape(text, 100) + "\" is no threshold, expected " + expected);
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

double unit_nanos(const std::string& unit) {
  for (const Unit& each : kUnits) {
    if (each.name == unit) return each.nanos;
  }
  return 1;
}

void read_bound(std::string_view text, std::string_view bound, bool time, Threshold& into) {
  double number = 0;
  const auto [end, error] = std::from_chars(bound.data(), bound.data() + bound.size(), number);
  const bool good = error == std::errc() && number >= 0;
  into.unit = good ? std::string(end, bound.data() + bound.size()) : "";
  if (!time) {
    if (!good || !into.unit.empty()) refuse(text, "a number behind the sign, as in \"rate>10000\"");
    into.bound = number;
    return;
  }
  const bool known = unit_nanos(into.unit) != 1 || into.unit == "ns";
  if (!good || !known) refuse(text, "a time in ns, us, ms or s behind the sign, as in \"p99<5ms\"");
  into.bound = number * unit_nanos(into.unit);
}

}  // namespace

Threshold read_threshold(std::string_view text) {
  Threshold read;
  read.text = text;
  const std::size_t sign = text.find_first_of("<>");
  const std::string_view name = trimmed(text.substr(0, sign));
  const Name* found = nullptr;
  for (const Name& each : kNames) {
    if (each.name == name) found = &each;
  }
  if (found == nullptr || sign == std::string_view::npos) {
    refuse(text,
           "p50, p90, p99, p99.9, max, cpu, rate or errors, then <, <=, > or >=, then a bound");
  }
  read.figure = found->figure;
  read.below = text[sign] == '<';
  read.or_equal = text.substr(sign + 1).starts_with('=');
  read_bound(text, trimmed(text.substr(sign + (read.or_equal ? 2 : 1))), found->time, read);
  return read;
}

std::optional<double> cpu_per_message(const Outcome& outcome) {
  if (!outcome.server || !outcome.server->cpu_share || outcome.messages == 0) return {};
  return *outcome.server->cpu_share * outcome.duration / static_cast<double>(outcome.messages) *
         1e9;
}

namespace {

std::optional<double> raw_figure(Figure figure, const Outcome& outcome) {
  const auto at = [&outcome](double share) -> std::optional<double> {
    if (outcome.latency.count() == 0) return {};
    return static_cast<double>(outcome.latency.at(share));
  };
  switch (figure) {
    case Figure::p50:
      return at(0.5);
    case Figure::p90:
      return at(0.9);
    case Figure::p99:
      return at(0.99);
    case Figure::p999:
      return at(0.999);
    case Figure::most:
      return at(1);
    case Figure::rate:
      return outcome.rate;
    case Figure::errors:
      return static_cast<double>(outcome.errors);
    case Figure::cpu:
      return cpu_per_message(outcome);
  }
  return {};
}

}  // namespace

std::optional<double> figure_of(const Threshold& threshold, const Outcome& outcome) {
  const auto raw = raw_figure(threshold.figure, outcome);
  if (!raw) return {};
  return *raw / unit_nanos(threshold.unit);
}

bool holds(const Threshold& threshold, const Outcome& outcome) {
  const auto raw = raw_figure(threshold.figure, outcome);
  if (!raw) return false;
  if (threshold.or_equal && *raw == threshold.bound) return true;
  return threshold.below ? *raw < threshold.bound : *raw > threshold.bound;
}

}  // namespace weir::load
