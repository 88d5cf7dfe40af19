#include "paired.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>

namespace weir::load {

namespace {

constexpr std::size_t kLooks[] = {10, 15, 25, 40, 60};  // Rounds after which the interval is taken.
constexpr double kConfidence = 0.998;                   // Of one look; five times 0.2 % is 1 %.
constexpr double kAlike = 0.04;
constexpr double kNotable = 0.03;

double checked(double figure) {
  if (figure > 0 && std::isfinite(figure)) return figure;
  throw std::domain_error("a figure has to be above 0 to be compared, and one is " +
                          std::to_string(figure));
}

// The one before which n are not greater. Sorts some of it.
double nth(std::vector<double>& values, std::size_t n) {
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(n);
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

double median(std::vector<double>& values) {
  const std::size_t middle = values.size() / 2;
  const double upper = nth(values, middle);
  return values.size() % 2 == 1 ? upper : (nth(values, middle - 1) + upper) / 2;
}

// The greatest k for which the sum of positive ranks among n is at most k with a chance of no more
// than `tail`; 0 if there is none. Counted: chance[s] is how often a sum of s comes out.
std::size_t signed_rank(std::size_t n, double tail) {
  std::vector<double> chance(n * (n + 1) / 2 + 1);
  chance[0] = 1;
  for (std::size_t rank = 1, most = 0; rank <= n; ++rank) {
    most += rank;
    for (std::size_t sum = most + 1; sum-- > 0;) {
      chance[sum] = (chance[sum] + (sum >= rank ? chance[sum - rank] : 0)) / 2;
    }
  }
  std::size_t found = 0;
  double seen = chance[0];
  while (found + 1 < chance.size() && seen + chance[found + 1] <= tail) seen += chance[++found];
  return found;
}

void look(PairedResult& result) {
  std::vector<double> a;
  std::vector<double> b;
  for (const PairedRound& round : result.rounds) {
    a.push_back(round.a);
    b.push_back(round.b);
  }
  result.median_a = median(a);
  result.median_b = median(b);
  result.ratio = ratio_interval(result.rounds, kConfidence);
  result.verdict = paired_verdict(*result.ratio);
}

bool is_known(const PairedResult& result) {
  const RatioInterval ratio = result.ratio.value_or(RatioInterval{});
  return result.verdict != PairedVerdict::unsure && ratio.low >= ratio.median * (1 - kAlike) &&
         ratio.high <= ratio.median * (1 + kAlike);
}

}  // namespace

RatioInterval ratio_interval(std::span<const PairedRound> rounds, double confidence) {
  std::vector<double> logs;
  std::vector<double> averages;  // Of every two rounds, and of each with itself.
  for (const PairedRound& round : rounds) {
    logs.push_back(std::log(round.b / round.a));
    for (const double log : logs) averages.push_back((log + logs.back()) / 2);
  }
  const std::size_t from = signed_rank(rounds.size(), (1 - confidence) / 2);
  return {std::exp(median(averages)), std::exp(nth(averages, from)),
          std::exp(nth(averages, averages.size() - 1 - from))};
}

PairedVerdict paired_verdict(const RatioInterval& ratio) {
  if (ratio.low >= 1 - kAlike && ratio.high <= 1 + kAlike &&
      std::abs(ratio.median - 1) <= kNotable) {
    return PairedVerdict::same;
  }
  const bool apart = ratio.low > 1 || ratio.high < 1;
  return apart && std::abs(ratio.median - 1) > kNotable ? PairedVerdict::differs
                                                        : PairedVerdict::unsure;
}

PairedResult measure_paired(const Measure& measure, std::uint64_t seed, const OnRound& on_round) {
  std::mt19937_64 random(seed);
  PairedResult result;
  for (const std::size_t rounds : kLooks) {
    while (result.rounds.size() < rounds) {
      PairedRound round;
      round.first = random() % 2 == 0 ? Side::a : Side::b;
      const Side second = round.first == Side::a ? Side::b : Side::a;
      for (const Side side : {round.first, second}) {
        (side == Side::a ? round.a : round.b) = checked(measure(side));
      }
      result.rounds.push_back(round);
      if (result.rounds.size() == rounds) look(result);
      if (on_round) on_round(result);
    }
    if (is_known(result)) break;
  }
  return result;
}

}  // namespace weir::load
