// What one of the things costs that a benchmark does many of in an iteration.
#pragma once

#include <cstddef>

#include <benchmark/benchmark.h>

namespace weir::micro {

// Adds the column `each`, in seconds. To be called once, after the loop.
inline void tell_each(benchmark::State& state, std::size_t per_iteration) {
  using benchmark::Counter;
  state.counters["each"] = Counter(static_cast<double>(per_iteration),
                                   Counter::kIsIterationInvariantRate | Counter::kInvert);
}

}  // namespace weir::micro
