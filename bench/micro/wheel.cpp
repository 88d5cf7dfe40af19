// The timer wheel: what timeouts cost that are set, moved, and come due.
//
// The wheel is in the library, so the compiler sees none of its bodies and has to make every call.
// Nodes and the ticks they are filed at are made before the loop; where an iteration needs a wheel in
// another state than the last one left it, that is restored while the clock is paused.
#include <algorithm>
#include <deque>
#include <random>
#include <vector>

#include "../../core/src/wheel.hpp"
#include "each.hpp"

namespace weir::micro {
namespace {

constexpr std::uint64_t kSpread = 60'000;  // Milliseconds: timeouts of up to a minute.

struct Node : WheelNode {
  Node() : WheelNode(Kind::timer) {}
};

// A wheel, timers, and a delay for each, alike in every run.
struct Timers {
  explicit Timers(const benchmark::State& state) {
    std::mt19937 random(1);
    const auto count = static_cast<std::size_t>(state.range(0));
    for (std::size_t i = 0; i < count; ++i) {
      nodes.emplace_back();
      delays.push_back(1 + random() % kSpread);
    }
  }

  std::size_t size() const { return nodes.size(); }
  void file_all() {
    for (std::size_t i = 0; i < size(); ++i) wheel.file(nodes[i], now + delays[i]);
  }
  void unlink_all() {
    for (Node& node : nodes) node.unlink();
  }

  // As the loop does: its alarm stands at the wheel's next tick.
  WheelNode* next_due() {
    WheelNode* node = wheel.take_due(now);
    while (node == nullptr) {
      const auto next = wheel.next_tick();
      if (!next) return nullptr;
      now = *next;
      node = wheel.take_due(now);
    }
    return node;
  }

  std::uint64_t now = 0;
  Wheel wheel;
  std::deque<Node> nodes;
  std::vector<std::uint64_t> delays;
};

// All of them into an empty wheel. Small ones are filled several at a time, so that there is enough to
// do between one pause and the next.
void wheel_file(benchmark::State& state) {
  constexpr std::int64_t kFiled = 16'000;
  std::deque<Timers> wheels;
  for (std::int64_t filed = 0; filed < kFiled; filed += state.range(0)) wheels.emplace_back(state);
  for ([[maybe_unused]] auto _ : state) {
    for (Timers& timers : wheels) timers.file_all();
    state.PauseTiming();
    for (Timers& timers : wheels) timers.unlink_all();
    state.ResumeTiming();
  }
  tell_each(state, wheels.size() * wheels.front().size());
}

// A timer that is filed already goes elsewhere, as where a deadline comes nearer.
void wheel_move(benchmark::State& state) {
  Timers timers(state);
  timers.file_all();
  std::size_t at = 0;
  std::size_t other = timers.size() / 2;
  for ([[maybe_unused]] auto _ : state) {
    timers.wheel.file(timers.nodes[at], timers.delays[other]);
    if (++at == timers.size()) at = 0;
    if (++other == timers.size()) other = 0;
  }
  tell_each(state, 1);
}

// Connections that were active: each is offered when its old deadline is over, and filed again.
void wheel_refile(benchmark::State& state) {
  Timers timers(state);
  timers.file_all();
  for ([[maybe_unused]] auto _ : state) {
    WheelNode* const node = timers.next_due();
    timers.wheel.file(*node, timers.now + kSpread);
  }
  tell_each(state, 1);
}

// All of them come due, in their order, with every step down the levels on the way.
void wheel_expire(benchmark::State& state) {
  Timers timers(state);
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    timers.file_all();
    state.ResumeTiming();
    while (WheelNode* const node = timers.next_due()) benchmark::DoNotOptimize(node);
  }
  tell_each(state, timers.size());
}

BENCHMARK(wheel_file)->Arg(1'000)->Arg(100'000);
BENCHMARK(wheel_move)->Arg(1'000)->Arg(100'000);
BENCHMARK(wheel_refile)->Arg(1'000)->Arg(100'000);
BENCHMARK(wheel_expire)->Arg(1'000)->Arg(100'000);

}  // namespace
}  // namespace weir::micro
