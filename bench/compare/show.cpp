#include "show.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include <weir/text.hpp>

namespace weir::load {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kCellMost = 40;  // Bytes of outside text in a cell.

std::string formatted(const char* format, double value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

// Four digits that count, and commas: "93.41", "120,345".
std::string amount(const std::optional<double>& value) {
  if (!value) return "-";
  if (std::abs(*value) >= 1e15) return formatted("%.3e", *value);
  if (std::abs(*value) < 1'000) return formatted("%.4g", *value);
  std::string digits = formatted("%.0f", *value);
  for (auto at = static_cast<int>(digits.size()) - 3; at > (*value < 0 ? 1 : 0); at -= 3) {
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return digits;
}

std::string factor(double ratio, bool precise) {
  if (ratio >= 1e6) return formatted("%.2e", ratio);
  if (ratio >= 100) return formatted("%.0f", ratio);
  return formatted(precise ? "%.3f" : "%.2f", ratio);
}

std::string ratio(const Figure& figure) {
  if (!figure.ratio) return "-";
  std::string text = factor(*figure.ratio, true);
  if (figure.interval) {
    text += " [" + factor(figure.interval->low, false) + ", " +
            factor(figure.interval->high, false) + "]";
  }
  return text;
}

const char* words(const Figure& figure) {
  switch (figure.verdict) {
    case Verdict::no_interval:
      return figure.a && figure.b ? "no interval" : "-";
    case Verdict::no_difference:
      return "no difference shown";
    case Verdict::better:
      return "differs: B is better";
    case Verdict::worse:
      return "differs: B is worse";
  }
  return "";
}

using Row = std::vector<std::string>;

// Characters, as far as UTF-8 tells them.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

// Columns as wide as their widest cell. Those in `to_the_right` are flush there.
std::string columns(const std::vector<Row>& rows, std::initializer_list<std::size_t> to_the_right) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string blank(widths[i] - width(row[i]), ' ');
      const bool right =
          std::find(to_the_right.begin(), to_the_right.end(), i) != to_the_right.end();
      line += (i == 0 ? "" : "  ") + (right ? blank + row[i] : row[i] + blank);
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string head(const char* letter, const Compared& side) {
  std::string text =
      std::string(letter) + "  " + escape(side.file) + ": " + escape(side.about) + "\n";
  if (!side.not_valid.empty()) text += "   NOT VALID: " + escape(side.not_valid) + "\n";
  return text;
}

std::string measured_otherwise(const Comparison& comparison) {
  std::string text;
  if (!comparison.is_same_measurement()) {
    std::string what;
    for (const Difference& each : comparison.differences) {
      if (each.essential) what += (what.empty() ? "" : ", ") + escape(each.what, kCellMost);
    }
    text += "NOT THE SAME MEASUREMENT: they differ in " + what + ".\n\n";
  }
  std::vector<Row> rows{{"measured otherwise", "A", "B"}};
  for (const Difference& each : comparison.differences) {
    rows.push_back(
        {escape(each.what, kCellMost), escape(each.a, kCellMost), escape(each.b, kCellMost)});
  }
  return rows.size() == 1 ? text : text + columns(rows, {}) + "\n";
}

Json json_of(const Compared& side) {
  return {{"file", side.file}, {"about", side.about}, {"not_valid", side.not_valid}};
}

Json json_of(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json json_of(const Figure& figure) {
  constexpr std::array<const char*, 4> verdicts = {"no interval", "no difference", "better",
                                                   "worse"};
  return {
      {"name", figure.name},
      {"unit", figure.unit},
      {"a", json_of(figure.a)},
      {"b", json_of(figure.b)},
      {"ratio", json_of(figure.ratio)},
      {"interval", figure.interval ? Json{figure.interval->low, figure.interval->high} : Json()},
      {"more_is_better", figure.more_is_better},
      {"verdict", verdicts[static_cast<std::size_t>(figure.verdict)]}};
}

}  // namespace

std::string table(const Comparison& comparison) {
  std::string text = head("A", comparison.a) + head("B", comparison.b) + "\n";
  text += measured_otherwise(comparison);
  std::vector<Row> rows{{"", "A", "B", "B/A", "verdict"}};
  bool has_interval = false;
  for (const Figure& figure : comparison.figures) {
    const std::string unit = figure.unit.empty() ? "" : ", " + figure.unit;
    rows.push_back(
        {figure.title + unit, amount(figure.a), amount(figure.b), ratio(figure), words(figure)});
    has_interval = has_interval || figure.interval.has_value();
  }
  text += columns(rows, {1, 2});
  if (has_interval) {
    text +=
        "\nIntervals: 95 %, by the seconds of these two runs. Another run may differ by more;\n"
        "\"weir bench ab\" measures that.\n";
  }
  return text;
}

Json to_json(const Comparison& comparison, double share) {
  Json different = Json::array();
  for (const Difference& each : comparison.differences) {
    different.push_back(
        {{"what", each.what}, {"a", each.a}, {"b", each.b}, {"essential", each.essential}});
  }
  Json figures = Json::array();
  for (const Figure& figure : comparison.figures) figures.push_back(json_of(figure));
  Json worse = Json::array();
  for (const Figure& figure : worse_by(comparison, share)) worse.push_back(figure.name);
  return {{"a", json_of(comparison.a)},
          {"b", json_of(comparison.b)},
          {"same_measurement", comparison.is_same_measurement()},
          {"valid", comparison.is_valid()},
          {"differences", different},
          {"figures", figures},
          {"worse_limit", share},
          {"worse", worse}};
}

std::string sentence(const Figure& figure) {
  return figure.title + " of B is " + ratio(figure) + " times that of A";
}

}  // namespace weir::load
