// Counts of a histogram as the text that every HdrHistogram reads: its V2 compressed encoding, in
// base64.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::load {

// What a payload holds. The layout is HdrHistogram's: ranges that double, each cut into so many equal
// buckets that every value keeps its significant digits; counts[i] is of bucket i.
struct HdrCounts {
  std::vector<std::uint64_t> counts;  // Up to the last that is not 0; none if nothing was recorded.
  unsigned significant_digits = 3;
  std::uint64_t lowest =
      1;  // What the histogram told apart and could hold, in the unit of its values.
  std::uint64_t highest = 0;
};

// The payload of counts in the layout of so many significant digits (0 to 5) and a lowest value of 1
// to 2^40; with the defaults that is the layout of Histogram, in nanoseconds. A count is below 2^63.
std::string hdr_payload(std::span<const std::uint64_t> counts, unsigned significant_digits = 3,
                        std::uint64_t lowest = 1, std::uint64_t highest = 60'000'000'000);

// Reads a payload, of any program. Throws std::invalid_argument with one sentence on what is none; a
// payload that would unfold to more than 64 MiB is refused as well.
HdrCounts read_hdr_payload(std::string_view payload);

// The highest value that bucket `index` holds in the layout of these digits and this lowest value.
std::uint64_t hdr_highest(std::size_t index, unsigned significant_digits = 3,
                          std::uint64_t lowest = 1);

}  // namespace weir::load
