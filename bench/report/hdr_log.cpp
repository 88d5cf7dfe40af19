#include "hdr_log.hpp"

#include <array>
#include <cstdio>
#include <ctime>

#include <weir/text.hpp>

namespace weir::load {

namespace {

constexpr double kUnitRatio = 1e6;  // What HdrHistogram's writer divides an interval's maximum by.

std::string fixed(double value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.3f", value);
  return text.data();
}

// As Java writes a date.
std::string date(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), "%a %b %d %H:%M:%S UTC %Y", &parts);
  return text.data();
}

double highest_ms(std::span<const std::uint64_t> counts) {
  for (std::size_t i = counts.size(); i-- > 0;) {
    if (counts[i] > 0) return static_cast<double>(hdr_highest(i)) / kUnitRatio;
  }
  return 0;
}

}  // namespace

HdrLog::HdrLog(std::chrono::system_clock::time_point start, std::span<const std::string> comments) {
  const double epoch = std::chrono::duration<double>(start.time_since_epoch()).count();
  for (const std::string& comment : comments) text_ += "#" + clean(comment) + "\n";
  text_ += "#[Histogram log format version 1.3]\n";
  text_ += "#[StartTime: " + fixed(epoch) + " (seconds since epoch), " + date(start) + "]\n";
  // Without it a reader has to guess whether intervals are told from the epoch or from the start.
  text_ += "#[BaseTime: " + fixed(epoch) + " (seconds since epoch)]\n";
  text_ +=
      "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
      "\"Interval_Compressed_Histogram\"\n";
}

void HdrLog::add(double start_s, double length_s, std::span<const std::uint64_t> counts) {
  text_ += fixed(start_s) + "," + fixed(length_s) + "," + fixed(highest_ms(counts)) + "," +
           hdr_payload(counts) + "\n";
}

}  // namespace weir::load
