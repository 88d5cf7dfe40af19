#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include <bench/compare/paired.hpp>

using namespace weir::load;

namespace {

// A machine on which each figure is noisy, so that the logarithm of a round's ratio has a standard
// deviation of 8 % unless said otherwise.
struct Machine {
  const char* name;
  double noise = 0.08;
  double heavy = 0;         // Share of figures from a distribution five times as wide, on one side.
  double drift = 0;         // Amplitude of a slow wave under all figures, and of their random walk.
  double first_slower = 0;  // What it costs to come first.
  bool student = false;     // Student's t with three degrees of freedom in place of the bell curve.
};

constexpr Machine kMachines[] = {
    {"quiet", 0.01},
    {"ordinary", 0.04},
    {"noisy"},
    {"heavy tails", 0.08, 0, 0, 0, true},
    {"stalls", 0.05, 0.1},
    {"drift", 0.08, 0, 0.3},
    {"drift and order", 0.06, 0.05, 0.3, 0.05},
};

// Figures of two sides of which B is `planted` times A.
class Figures {
 public:
  Figures(const Machine& machine, double planted, std::uint64_t seed)
      : machine_(machine), planted_(planted), random_(seed * 7'919 + 1) {}

  double operator()(Side side) {
    const bool first = ++count_ % 2 == 1;
    walk_ += bell_(random_) * machine_.drift / 20;
    const double wave = machine_.drift * std::sin(static_cast<double>(count_) / 25);
    double log = noise() + walk_ + wave + (first ? machine_.first_slower : 0);
    if (uniform_(random_) < machine_.heavy) log += std::abs(noise()) * 5;
    return 20 * std::exp(log) * (side == Side::b ? planted_ : 1);
  }

 private:
  double noise() {
    const double scale = machine_.noise / std::sqrt(2);
    // Of variance 1 both: Student's t has 3.
    return scale * (machine_.student ? student_(random_) / std::sqrt(3) : bell_(random_));
  }

  const Machine& machine_;
  double planted_;
  std::mt19937_64 random_;
  std::normal_distribution<> bell_;
  std::student_t_distribution<> student_{3};
  std::uniform_real_distribution<> uniform_;
  double walk_ = 0;
  int count_ = 0;
};

RatioInterval ratio_of(const PairedResult& result) {
  return result.ratio.value_or(RatioInterval{0, 0, 0});
}

constexpr int kRuns = 200;

int runs_that_differ(const Machine& machine, double planted) {
  int differ = 0;
  for (std::uint64_t seed = 0; seed < kRuns; ++seed) {
    const PairedResult result = measure_paired(Figures(machine, planted, seed), seed);
    const bool right_way = (ratio_of(result).median > 1) == (planted >= 1);
    if (result.verdict == PairedVerdict::differs && (planted == 1 || right_way)) ++differ;
  }
  return differ;
}

std::vector<PairedRound> rounds_of(std::initializer_list<double> ratios) {
  std::vector<PairedRound> rounds;
  for (const double ratio : ratios) rounds.push_back({Side::a, 2, 2 * ratio});
  return rounds;
}

}  // namespace

TEST_CASE("paired: of two that are alike it is silent in 19 of 20 runs, however they are noisy") {
  for (const Machine& machine : kMachines) {
    INFO(machine.name);
    CHECK(runs_that_differ(machine, 1) <= kRuns / 20);
  }
}

TEST_CASE("paired: a tenth more or less is found in 19 of 20 runs, however they are noisy") {
  for (const Machine& machine : kMachines) {
    INFO(machine.name);
    CHECK(runs_that_differ(machine, 1.1) >= kRuns - kRuns / 20);
    CHECK(runs_that_differ(machine, 0.9) >= kRuns - kRuns / 20);
  }
}

TEST_CASE("paired: the interval holds the true ratio in 99 of 100 runs, wherever they end") {
  int holds = 0;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const PairedResult result = measure_paired(Figures(kMachines[1], 1.05, seed), seed);
    const RatioInterval ratio = ratio_of(result);
    if (ratio.low <= 1.05 && 1.05 <= ratio.high) ++holds;
  }

  CHECK(holds >= 495);
}

TEST_CASE("paired: two alike on a quiet machine are the same after ten rounds") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const PairedResult result = measure_paired(Figures(kMachines[0], 1, seed), seed);

    REQUIRE(result.verdict == PairedVerdict::same);
    REQUIRE(result.rounds.size() == 10);
  }
}

TEST_CASE("paired: too much noise ends after 60 rounds, unsure") {
  const Machine wild{"wild", 0.5};

  const PairedResult result = measure_paired(Figures(wild, 1, 3), 3);

  CHECK(result.rounds.size() == 60);
  CHECK(result.verdict == PairedVerdict::unsure);
}

TEST_CASE("paired: a difference is followed until its size is known within 4 %") {
  const PairedResult result = measure_paired(Figures(kMachines[1], 1.5, 5), 5);

  CHECK(result.verdict == PairedVerdict::differs);
  CHECK(result.rounds.size() > 10);
  CHECK(result.rounds.size() < 60);
  CHECK(ratio_of(result).median == Approx(1.5).margin(0.06));
  CHECK(ratio_of(result).low >= ratio_of(result).median * 0.96);
  CHECK(ratio_of(result).high <= ratio_of(result).median * 1.04);
}

TEST_CASE("paired: each round measures both sides, and either comes first as the seed says") {
  std::vector<Side> asked;
  const auto measure = [&asked](Side side) {
    asked.push_back(side);
    return 1.0;
  };

  const PairedResult result = measure_paired(measure, 1);
  const PairedResult again = measure_paired(measure, 1);

  REQUIRE(result.rounds.size() == 10);
  REQUIRE(asked.size() == 40);
  int a_first = 0;
  for (std::size_t i = 0; i < 10; ++i) {
    CHECK(asked[2 * i] == result.rounds[i].first);
    CHECK(asked[2 * i] != asked[2 * i + 1]);
    CHECK(again.rounds[i].first == result.rounds[i].first);
    a_first += result.rounds[i].first == Side::a;
  }
  CHECK(a_first > 0);
  CHECK(a_first < 10);
}

TEST_CASE("paired: every round is told, with a ratio from the tenth on") {
  std::size_t told = 0;
  const auto on_round = [&told](const PairedResult& so_far) {
    ++told;
    CHECK(so_far.rounds.size() == told);
    CHECK(so_far.ratio.has_value() == (told >= 10));
  };

  measure_paired(Figures(kMachines[1], 1, 1), 1, on_round);

  CHECK(told >= 15);
}

TEST_CASE("paired: what the measurement throws ends it") {
  int left = 5;
  const auto measure = [&left](Side) {
    if (left-- == 0) throw std::runtime_error("enough");
    return 1.0;
  };

  CHECK_THROWS_WITH(measure_paired(measure, 1), "enough");
  CHECK(left == -1);
}

TEST_CASE("paired: a figure of which no ratio can be taken is refused") {
  const double figure = GENERATE(0.0, -1.0, NAN, INFINITY);

  CHECK_THROWS_AS(measure_paired([figure](Side) { return figure; }, 1), std::domain_error);
}

TEST_CASE("paired: the interval is Wilcoxon's, by the published tables") {
  // Of ten differences a sum of ranks up to 8 is significant at 5 %: the ninth average is the end.
  const auto rounds = rounds_of({1.01, 1.02, 1.03, 1.04, 1.05, 1.06, 1.07, 1.08, 1.09, 1.10});
  std::vector<double> averages;
  for (std::size_t i = 0; i < rounds.size(); ++i) {
    for (std::size_t j = i; j < rounds.size(); ++j) {
      averages.push_back(std::sqrt(rounds[i].b / 2 * rounds[j].b / 2));
    }
  }
  std::sort(averages.begin(), averages.end());

  const RatioInterval interval = ratio_interval(rounds, 0.95);

  CHECK(interval.low == Approx(averages[8]));
  CHECK(interval.high == Approx(averages[averages.size() - 9]));
  CHECK(interval.median == Approx(averages[27]));
}

TEST_CASE("paired: an outlier does not move the interval") {
  const auto rounds =
      rounds_of({1.0, 1.01, 0.99, 1.0, 1.02, 0.98, 1.0, 1.01, 0.99, 1.0, 1.01, 0.99, 30});

  const RatioInterval interval = ratio_interval(rounds, 0.95);

  CHECK(interval.median == Approx(1).margin(0.01));
  CHECK(interval.low > 0.98);
  CHECK(interval.high < 1.03);
}

TEST_CASE("paired: the verdict asks for the interval and for the size") {
  CHECK(paired_verdict({1.00, 0.97, 1.03}) == PairedVerdict::same);
  CHECK(paired_verdict({1.02, 1.01, 1.03}) == PairedVerdict::same);
  CHECK(paired_verdict({1.00, 0.95, 1.03}) == PairedVerdict::unsure);
  CHECK(paired_verdict({1.02, 1.00, 1.05}) == PairedVerdict::unsure);
  CHECK(paired_verdict({1.20, 0.99, 1.40}) == PairedVerdict::unsure);
  CHECK(paired_verdict({1.035, 1.03, 1.039}) == PairedVerdict::differs);
  CHECK(paired_verdict({1.20, 1.10, 1.30}) == PairedVerdict::differs);
  CHECK(paired_verdict({0.90, 0.85, 0.95}) == PairedVerdict::differs);
}
