// Latencies, counted in buckets that are never wider than a thousandth of what they hold.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace weir::load {

// The layout of HdrHistogram: ranges that double, each cut into 1,024 equal buckets. Three significant
// digits from 1 ns to a minute; what is longer counts as a minute, and max() still tells.
class Histogram {
 public:
  static constexpr std::uint64_t kMost = 60'000'000'000;  // ns

  Histogram() : counts_(index(kMost) + 1) {}

  void record(std::uint64_t value, std::uint64_t times = 1) {
    if (value > max_) max_ = value;
    total_ += times;
    counts_[index(value < kMost ? value : kMost)] += times;
  }

  void merge(const Histogram& other);
  void clear();

  std::uint64_t count() const { return total_; }
  std::uint64_t max() const { return max_; }

  // The least value that so large a share (0 to 1) of all do not exceed, to the width of a bucket; 0
  // when nothing was recorded.
  std::uint64_t at(double share) const;

 private:
  static constexpr unsigned kBits = 10;  // log2 of the buckets of a range.

  // Values below 2^11 have buckets of their own; above, the range is the place of the highest bit.
  static std::size_t index(std::uint64_t value) {
    const auto high = static_cast<unsigned>(std::bit_width(value | 1));
    const unsigned shift = high > kBits + 1 ? high - kBits - 1 : 0;
    return (std::size_t{shift} << kBits) + static_cast<std::size_t>(value >> shift);
  }
  static std::uint64_t highest(std::size_t index);  // Value in that bucket.

  std::vector<std::uint64_t> counts_;
  std::uint64_t total_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace weir::load
