#include "bootstrap.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace weir::load {

namespace {

constexpr std::size_t kSecondsLeast = 5;
constexpr std::size_t kDraws = 2'000;
constexpr std::size_t kSecondsDrawn = 4'000'000;  // In all, or a day's run would take a minute.
constexpr double kTail = 0.025;

double mean(std::span<const Sample> seconds) {
  double sum = 0;
  double weight = 0;
  for (const Sample& second : seconds) {
    sum += second.value * second.weight;
    weight += second.weight;
  }
  return sum / weight;
}

// One second fewer than there are, each any of them: as many would make few seconds look steadier
// than they are.
double drawn_mean(std::span<const Sample> seconds, std::mt19937_64& random) {
  double sum = 0;
  double weight = 0;
  for (std::size_t i = 1; i < seconds.size(); ++i) {
    const Sample& second = seconds[random() % seconds.size()];
    sum += second.value * second.weight;
    weight += second.weight;
  }
  return sum / weight;
}

}  // namespace

std::optional<Interval> bootstrap_ratio(std::span<const Sample> a, std::span<const Sample> b) {
  if (std::min(a.size(), b.size()) < kSecondsLeast) return std::nullopt;
  const double middle = std::log(mean(b) / mean(a));
  if (!std::isfinite(middle)) return std::nullopt;
  std::mt19937_64 random(1);
  std::vector<double> ratios(
      std::clamp<std::size_t>(kSecondsDrawn / (a.size() + b.size()), 200, kDraws));
  for (double& ratio : ratios) {
    const double of = drawn_mean(a, random);
    ratio = std::log(drawn_mean(b, random) / of);
    if (!std::isfinite(ratio)) return std::nullopt;
  }
  std::sort(ratios.begin(), ratios.end());
  // Student's quantile over the normal one's, which few seconds ask for.
  const double wider = 1 + 1.3 / static_cast<double>(a.size() + b.size() - 2);
  const auto at = static_cast<std::size_t>(kTail * static_cast<double>(ratios.size()));
  const auto end = [&](double ratio) { return std::exp(middle + (ratio - middle) * wider); };
  return Interval{end(ratios[at]), end(ratios[ratios.size() - 1 - at])};
}

}  // namespace weir::load
