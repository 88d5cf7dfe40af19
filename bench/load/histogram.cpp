#include "histogram.hpp"

#include <algorithm>
#include <cmath>

namespace weir::load {

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  total_ += other.total_;
  max_ = std::max(max_, other.max_);
}

void Histogram::clear() {
  counts_.fill(0);
  total_ = 0;
  max_ = 0;
}

void Histogram::subtract(const Histogram& before) {
  std::size_t last = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    counts_[i] -= before.counts_[i];
    if (counts_[i] > 0) last = i;
  }
  total_ -= before.total_;
  if (max_ == before.max_) max_ = total_ > 0 ? std::min(highest(last), max_) : 0;
}

std::uint64_t Histogram::highest(std::size_t index) {
  const std::size_t range = index >> kBucketBits;
  if (range <= 1) return index;  // One value each.
  const std::size_t shift = range - 1;
  const std::uint64_t lowest = (index - (shift << kBucketBits)) << shift;
  return lowest + (std::uint64_t{1} << shift) - 1;
}

std::uint64_t Histogram::at(double share) const {
  if (total_ == 0) return 0;
  const double wanted = std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(total_));
  const auto rank = std::max<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    // The last bucket holds whatever is longer, and no bucket reaches beyond the maximum.
    if (seen >= rank) return i + 1 == counts_.size() ? max_ : std::min(highest(i), max_);
  }
  return max_;
}

}  // namespace weir::load
