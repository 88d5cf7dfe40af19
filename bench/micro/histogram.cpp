// The generator's histogram of latencies: one record() for every answer, the rest at the end of a run.
//
// record() is inlined: its buckets are memory that ClobberMemory says somebody reads, so that every
// count has to be written; results are held with DoNotOptimize. Values are drawn before the loop.
#include <array>
#include <cmath>
#include <cstdint>
#include <random>

#include <bench/load/histogram.hpp>

#include "each.hpp"

namespace weir::micro {
namespace {

using load::Histogram;

using Values = std::array<std::uint64_t, 4'096>;

// Nanoseconds around 100 µs, alike in every run. A spread of 0.1 stays within a few hundred buckets,
// which are then in the cache; one of 2 reaches from microseconds to tens of milliseconds.
Values draw(double spread) {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> latency(std::log(100e3), spread);
  Values values{};
  for (std::uint64_t& value : values) value = static_cast<std::uint64_t>(latency(random));
  return values;
}

Histogram filled() {
  Histogram histogram;
  for (const std::uint64_t value : draw(2)) histogram.record(value);
  return histogram;
}

void record_all(benchmark::State& state, double spread) {
  const Values values = draw(spread);
  Histogram histogram;
  benchmark::DoNotOptimize(&histogram);  // Known elsewhere, as far as the compiler can tell.
  std::size_t at = 0;
  for ([[maybe_unused]] auto _ : state) {
    histogram.record(values[at++ % values.size()]);
    benchmark::ClobberMemory();
  }
  tell_each(state, 1);
}

void histogram_record_narrow(benchmark::State& state) { record_all(state, 0.1); }
void histogram_record_wide(benchmark::State& state) { record_all(state, 2); }

void histogram_merge(benchmark::State& state) {
  const Histogram from = filled();
  Histogram into;
  for ([[maybe_unused]] auto _ : state) {
    into.merge(from);
    benchmark::DoNotOptimize(&into);
    benchmark::ClobberMemory();
  }
  tell_each(state, 1);
}

// In thousandths: 500 is the median.
void histogram_percentile(benchmark::State& state) {
  const Histogram histogram = filled();
  double share = static_cast<double>(state.range(0)) / 1'000;
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(share);
    std::uint64_t value = histogram.at(share);
    benchmark::DoNotOptimize(value);
  }
  tell_each(state, 1);
}

BENCHMARK(histogram_record_narrow);
BENCHMARK(histogram_record_wide);
BENCHMARK(histogram_merge);
BENCHMARK(histogram_percentile)->Arg(500)->Arg(999);

}  // namespace
}  // namespace weir::micro
