// Latencies, counted in buckets that are never wider than a thousandth of what they hold.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>

namespace weir::load {

// Values below 2^11 have buckets of their own; above, the range is the place of the highest bit.
constexpr unsigned kBucketBits = 10;  // log2 of the buckets of a range.
constexpr std::size_t bucket_of(std::uint64_t value) {
  const auto high = static_cast<unsigned>(std::bit_width(value | 1));
  const unsigned shift = high > kBucketBits + 1 ? high - kBucketBits - 1 : 0;
  return (std::size_t{shift} << kBucketBits) + static_cast<std::size_t>(value >> shift);
}

// The layout of HdrHistogram: ranges that double, each cut into 1,024 equal buckets. Three significant
// digits from 1 ns to a minute; what is longer counts as a minute, and max() still tells. Holds no
// pointer, so that processes can share one; it is large (219 KB), so not on the stack.
class Histogram {
 public:
  static constexpr std::uint64_t kMost = 60'000'000'000;  // ns
  static constexpr std::size_t kBuckets = bucket_of(kMost) + 1;

  void record(std::uint64_t value, std::uint64_t times = 1) {
    if (value > max_) max_ = value;
    total_ += times;
    counts_[bucket_of(value < kMost ? value : kMost)] += times;
  }

  void merge(const Histogram& other);
  void clear();
  // What was recorded since `before`, an earlier state of this one; max() is to the width of a bucket.
  void subtract(const Histogram& before);

  std::uint64_t count() const { return total_; }
  std::uint64_t max() const { return max_; }
  std::span<const std::uint64_t> counts() const { return counts_; }

  // The least value that so large a share (0 to 1) of all do not exceed, to the width of a bucket; 0
  // when nothing was recorded.
  std::uint64_t at(double share) const;

  static std::uint64_t highest(std::size_t index);  // Value in that bucket.

 private:
  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t total_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace weir::load
