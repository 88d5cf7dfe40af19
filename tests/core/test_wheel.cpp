#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include "../../core/src/wheel.hpp"

using namespace weir;

namespace {

struct Node : WheelNode {
  Node() : WheelNode(Kind::timer) {}
};

// What the wheel promises, in its simplest form.
class Oracle {
 public:
  void file(WheelNode* node, std::uint64_t tick) {
    drop(node);
    due_.emplace(tick, node);
  }
  void drop(WheelNode* node) {
    std::erase_if(due_, [node](const auto& one) { return one.second == node; });
  }
  bool is_due(WheelNode* node, std::uint64_t now) const {
    return std::any_of(due_.begin(), due_.end(),
                       [&](const auto& one) { return one.second == node && one.first <= now; });
  }
  std::optional<std::uint64_t> first() const {
    if (due_.empty()) return {};
    return due_.begin()->first;
  }

 private:
  std::multimap<std::uint64_t, WheelNode*> due_;
};

constexpr std::uint64_t kDay = 86'400'000;

}  // namespace

TEST_CASE("wheel: over random filings and jumps it agrees with a sorted map") {
  const std::uint64_t start = GENERATE(0u, 63u, 4'095u, (1ull << 32) - 5, (1ull << 40) + 17);
  std::mt19937_64 random(start + 1);
  const auto below = [&random](std::uint64_t limit) { return random() % limit; };
  constexpr std::uint64_t reach[] = {2, 70, 5'000, 300'000, 20'000'000, 12 * kDay};
  Wheel wheel(start);
  Oracle oracle;
  std::vector<Node> nodes(40);
  std::uint64_t now = start;

  for (int step = 0; step < 20'000; ++step) {
    Node& node = nodes[below(nodes.size())];
    const std::uint64_t at = now + below(reach[below(6)]);
    if (below(8) == 0) {
      node.unlink();
      oracle.drop(&node);
    } else if (below(3) != 0) {
      wheel.file(node, at);
      oracle.file(&node, std::clamp(at, now + 1, now + Wheel::kHorizon - 1));
    } else {
      now += below(reach[below(6)]);
      while (WheelNode* const due = wheel.take_due(now)) {
        REQUIRE_FALSE(due->filed());
        REQUIRE(oracle.is_due(due, now));
        oracle.drop(due);
        if (below(2) == 0) {  // What is filed while the wheel turns comes in the next advance.
          const std::uint64_t again = now - std::min(now, below(3)) + below(100);
          wheel.file(*due, again);
          oracle.file(due, std::max(again, now + 1));
        }
      }
      REQUIRE((!oracle.first() || *oracle.first() > now));
    }
    const std::optional<std::uint64_t> next = wheel.next_tick();
    REQUIRE(next.has_value() == oracle.first().has_value());
    if (next) REQUIRE(*next <= *oracle.first());
    if (next) REQUIRE(*next > now);
  }
}

TEST_CASE("wheel: nodes come in the order of their ticks") {
  Wheel wheel;
  Node late;
  Node early;
  wheel.file(late, 5'000);
  wheel.file(early, 70);

  CHECK(wheel.take_due(10'000) == &early);
  CHECK(wheel.take_due(10'000) == &late);
  CHECK(wheel.take_due(10'000) == nullptr);
}

TEST_CASE("wheel: never a tick too early") {
  const std::uint64_t tick = GENERATE(1u, 63u, 64u, 65u, 4'096u, 262'144u, 16'777'216u);
  Wheel wheel;
  Node node;
  wheel.file(node, tick);

  CHECK(wheel.take_due(tick - 1) == nullptr);
  CHECK(wheel.take_due(tick) == &node);
}

TEST_CASE("wheel: beyond twelve days a node is offered at the horizon") {
  Wheel wheel(7);
  Node node;
  wheel.file(node, 30 * kDay);

  CHECK(wheel.take_due(7 + Wheel::kHorizon - 2) == nullptr);
  CHECK(wheel.take_due(7 + Wheel::kHorizon) == &node);
}

TEST_CASE("wheel: a node that dies, or its wheel before it, is simply gone") {
  Node outlives;
  {
    Wheel wheel;
    wheel.file(outlives, 100);
    Node dies;
    wheel.file(dies, 50);
  }

  CHECK_FALSE(outlives.filed());
}

TEST_CASE("wheel: filing a node again moves it") {
  Wheel wheel;
  Node node;
  wheel.file(node, 100);
  wheel.file(node, 10'000);

  CHECK(wheel.take_due(9'999) == nullptr);
  CHECK(wheel.take_due(10'000) == &node);
}

TEST_CASE("wheel: skipping an empty year costs nothing") {
  Wheel wheel;
  Node node;
  CHECK(wheel.take_due(365 * kDay) == nullptr);
  wheel.file(node, 365 * kDay + 1);

  CHECK(wheel.next_tick() == 365 * kDay + 1);
  CHECK(wheel.take_due(365 * kDay + 1) == &node);
}
