#include "words.hpp"

#include <array>
#include <cmath>
#include <cstdio>

namespace weir::load {

namespace {

// Three digits that count.
std::string digits(double value, const char* unit) {
  std::array<char, 48> text{};
  const int behind = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  std::snprintf(text.data(), text.size(), "%.*f %s", behind, value, unit);
  return text.data();
}

}  // namespace

std::string time_words(double nanos) {
  if (nanos < 1e3) return digits(nanos, "ns");
  if (nanos < 1e6) return digits(nanos / 1e3, "µs");
  if (nanos < 1e9) return digits(nanos / 1e6, "ms");
  return digits(nanos / 1e9, "s");
}

std::string count_words(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

std::string rate_words(double rate) {
  if (rate >= 100) return count_words(static_cast<std::uint64_t>(std::llround(rate)));
  std::string text = digits(rate, "");
  text.pop_back();
  return text;
}

std::string bytes_words(double bytes) {
  if (bytes < 1e3) return std::to_string(std::llround(bytes)) + " B";
  if (bytes < 1e6) return digits(bytes / 1e3, "KB");
  if (bytes < 1e9) return digits(bytes / 1e6, "MB");
  return digits(bytes / 1e9, "GB");
}

std::string share_words(double share) { return std::to_string(std::llround(share * 100)) + " %"; }

std::string span_words(double seconds) {
  if (seconds >= 10 || seconds == std::floor(seconds)) {
    return std::to_string(std::llround(seconds)) + " s";
  }
  return digits(seconds, "s");
}

}  // namespace weir::load
