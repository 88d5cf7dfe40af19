#include "units.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace weir {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// The first of equal factors is the one we write.
constexpr std::array kSizeUnits{
    Unit{"GiB", 1ULL << 30},
    Unit{"GB", 1'000'000'000},
    Unit{"MiB", 1ULL << 20},
    Unit{"MB", 1'000'000},
    Unit{"KiB", 1ULL << 10},
    Unit{"KB", 1'000},
    Unit{"B", 1},
    Unit{"", 1},
};

constexpr std::array kTimeUnits{
    Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1'000}, Unit{"ms", 1}, Unit{"", 1'000},
};

bool same_letters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The digits at the front of the text, and what follows them.
struct Counted {
  std::uint64_t number = 0;
  std::string_view unit;
};

std::optional<Counted> counted(std::string_view text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const std::size_t digits = static_cast<std::size_t>(end - text.begin());
  if (digits == 0) return {};
  Counted out;
  out.unit = text.substr(digits);
  const auto result = std::from_chars(text.data(), text.data() + digits, out.number);
  if (result.ec != std::errc()) out.number = std::numeric_limits<std::uint64_t>::max();
  return out;
}

std::uint64_t product(std::uint64_t number, std::uint64_t factor, std::uint64_t most) {
  return number > most / factor ? most : number * factor;
}

}  // namespace

std::optional<std::size_t> parse_size(std::string_view text) {
  const auto parts = counted(text);
  if (!parts) return {};
  for (const Unit& unit : kSizeUnits) {
    if (!same_letters(unit.name, parts->unit)) continue;
    constexpr std::uint64_t kMost = std::numeric_limits<std::size_t>::max();
    return static_cast<std::size_t>(product(parts->number, unit.factor, kMost));
  }
  return {};
}

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument) return {};
  if (error == std::errc::result_out_of_range) {
    using Limits = std::numeric_limits<std::int64_t>;
    return text.starts_with('-') ? Limits::min() : Limits::max();
  }
  return number;
}

std::optional<Millis> parse_duration(std::string_view text) {
  if (text == "off") return Millis(0);
  const auto parts = counted(text);
  if (!parts) return {};
  for (const Unit& unit : kTimeUnits) {
    if (unit.name != parts->unit) continue;
    constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
    return Millis(static_cast<std::int64_t>(product(parts->number, unit.factor, kMost)));
  }
  return {};
}

std::optional<bool> parse_flag(std::string_view text) {
  if (text == "on" || text == "true" || text == "1") return true;
  if (text == "off" || text == "false" || text == "0") return false;
  return {};
}

std::string size_text(std::size_t bytes) {
  for (const Unit& unit : kSizeUnits) {
    // Decimal units are read but not written: 64000 is plainer than 64KB next to 64KiB.
    const bool binary = unit.name.ends_with("iB");
    if (!binary || bytes == 0 || bytes % unit.factor != 0) continue;
    return std::to_string(bytes / unit.factor) + std::string(unit.name);
  }
  return std::to_string(bytes);
}

std::string duration_text(Millis duration) {
  if (duration.count() <= 0) return "off";
  const std::uint64_t millis = static_cast<std::uint64_t>(duration.count());
  for (const Unit& unit : kTimeUnits) {
    if (millis % unit.factor != 0) continue;
    return std::to_string(millis / unit.factor) + std::string(unit.name);
  }
  return std::to_string(millis) + "ms";
}

}  // namespace weir
