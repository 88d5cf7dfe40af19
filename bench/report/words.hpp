// Figures as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace weir::load {

std::string time_words(double nanos);          // "88 µs", "1.24 ms", "12.5 s"
std::string count_words(std::uint64_t count);  // "1,234,567"
std::string rate_words(double rate);           // "123,456", "0.52"
std::string bytes_words(double bytes);         // "79.0 MB", "1.2 GB"
std::string share_words(double share);         // "97 %"
std::string span_words(double seconds);        // "10 s", "0.35 s"

}  // namespace weir::load
