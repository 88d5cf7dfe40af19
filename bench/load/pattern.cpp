#include "pattern.hpp"

#include <algorithm>
#include <array>

namespace weir::load {

namespace {

// Just below powers of two, and prime.
constexpr std::array<std::size_t, 3> kPeriods = {4'093, Pattern::kBulkPeriod, 1'048'573};

std::size_t period_for(std::size_t piece) {
  for (const std::size_t period : kPeriods) {
    if (piece < period) return period;
  }
  return kPeriods.back();
}

}  // namespace

Pattern::Pattern(std::size_t piece) : period_(period_for(piece)), table_(2 * period_) {
  std::uint64_t state = 0x9e3779b97f4a7c15;  // Xorshift: any odd start, the same in every run.
  for (std::size_t i = 0; i < period_; ++i) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    table_[i] = static_cast<std::byte>(state >> 32);
  }
  std::copy_n(table_.begin(), period_, table_.begin() + static_cast<std::ptrdiff_t>(period_));
}

bool PatternCursor::matches_long(Bytes data) {
  while (!data.empty()) {
    const Bytes part = data.first(std::min(data.size(), pattern_->period()));
    if (!matches(part)) return false;
    data = data.subspan(part.size());
  }
  return true;
}

Flow PatternCursor::write_long(Connection& to, std::size_t size) {
  Flow flow = Flow::open;
  while (size > 0) {
    const std::size_t part = std::min(size, pattern_->period());
    flow = write(to, part);
    size -= part;
  }
  return flow;
}

}  // namespace weir::load
