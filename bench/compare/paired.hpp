// Two measured against each other in turns: A B, B A, A B ... until the ratio is known well enough.
//
// What drifts (the machine, its clock, its neighbours) drifts under both sides of a round, so only the
// ratio of a round is used. Which side comes first is drawn for each round: what being first is worth
// then falls to either side as often, and if the two are alike the logarithm of the ratio is as often
// above 0 as it is as far below.
//
// That symmetry is all that Wilcoxon's signed-rank interval asks for, whatever the distribution; it is
// exact for few rounds, needs no resampling, and shrugs at outliers, as the median does, while it uses
// nearly all that the mean would. The sign test asks for less and takes half as many rounds again.
//
// Looking again and again until something shows would find differences where there are none. So the
// interval is taken after 10, 15, 25, 40 and 60 rounds only, at 99.8 % each: with 99 % it is right at
// all five, and so wherever the procedure ends.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace weir::load {

enum class Side { a, b };

struct PairedRound {
  Side first = Side::a;
  double a = 0;
  double b = 0;
};

struct RatioInterval {
  double median = 1;  // Of B/A: the median of what every two rounds say together (Hodges-Lehmann).
  double low = 1;
  double high = 1;
};

enum class PairedVerdict {
  unsure,   // Neither of the others.
  same,     // The whole interval is within 4 % of 1, and the median within 3 %.
  differs,  // The interval is on one side of 1, and the median more than 3 % away from it.
};

struct PairedResult {
  std::vector<PairedRound> rounds;
  // As of the last look (after 10, 15, 25, 40 or 60 rounds); before the first there is no ratio.
  double median_a = 0;  // In the caller's unit.
  double median_b = 0;
  std::optional<RatioInterval> ratio;  // 99 %
  PairedVerdict verdict = PairedVerdict::unsure;
};

// Measures one side for one round and returns the figure, above 0. Whether less is better is the
// caller's matter. What it throws ends the procedure.
using Measure = std::function<double(Side)>;

// After each round, with everything so far.
using OnRound = std::function<void(const PairedResult&)>;

// Runs rounds until a look finds an interval within 4 % of its median and a verdict other than unsure,
// and 60 rounds at most. The seed draws who comes first: the same seed, the same order. Throws what
// `measure` throws, and std::domain_error if a figure is not above 0 or is infinite.
PairedResult measure_paired(const Measure& measure, std::uint64_t seed,
                            const OnRound& on_round = nullptr);

// The interval of the ratio at `confidence` (0 to 1), of at least one round. Where the rounds are too
// few for so much confidence it reaches from the least ratio to the greatest.
RatioInterval ratio_interval(std::span<const PairedRound> rounds, double confidence);

PairedVerdict paired_verdict(const RatioInterval& ratio);

}  // namespace weir::load
