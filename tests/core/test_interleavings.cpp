#include <cstdlib>
#include <iostream>

#include <catch2/catch.hpp>

#include <weir/testing_tls.hpp>

#include "interleaving.hpp"

using namespace weir;

namespace {

// Four parts, together 100,000; each is a process of its own under ctest. A sanitizer makes a run ten
// times as long, so there a tenth of each does.
constexpr std::uint64_t kPerPart = 25'000;
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WEIR_SANITIZED 1
#endif
#endif
#if defined(WEIR_SANITIZED) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kShare = 10;
#else
constexpr std::uint64_t kShare = 1;
#endif

// A handshake costs as much as all the rest of a run.
std::uint64_t seeds_per_part() {
  const bool plain = testing::asked_transport() == testing::Transport::plain;
  return kPerPart / kShare / (plain ? 1 : 10);
}

// Empty, or which rule the seed breaks.
std::string run(std::uint64_t seed, std::uint64_t& callbacks, bool trace = false) {
  interleaving::SeedDice dice(seed);
  interleaving::Machine machine(dice, trace);
  std::string wrong = machine.run();
  callbacks += machine.callbacks();
  for (const std::string& line : machine.log()) {
    if (trace) std::cout << line << '\n';
  }
  return wrong;
}

void run_part(std::uint64_t part) {
  if (const char* const asked = std::getenv("WEIR_SEED")) {
    std::uint64_t callbacks = 0;
    INFO("WEIR_SEED=" << asked);
    CHECK(run(std::strtoull(asked, nullptr, 10), callbacks, true) == "");
    return;
  }
  std::uint64_t callbacks = 0;
  const std::uint64_t seeds = seeds_per_part();
  for (std::uint64_t i = 0; i < seeds; ++i) {
    const std::uint64_t seed = part * kPerPart + i;
    const std::string wrong = run(seed, callbacks);
    INFO("replay with WEIR_SEED=" << seed);
    REQUIRE(wrong == "");
  }
  std::cout << seeds << " interleavings, " << callbacks << " callbacks\n";
  CHECK(callbacks > seeds);
}

}  // namespace

TEST_CASE("interleavings: all verbs and events in any order keep the rules, part 1", "[loops]") {
  run_part(0);
}

TEST_CASE("interleavings: all verbs and events in any order keep the rules, part 2", "[loops]") {
  run_part(1);
}

TEST_CASE("interleavings: all verbs and events in any order keep the rules, part 3", "[loops]") {
  run_part(2);
}

TEST_CASE("interleavings: all verbs and events in any order keep the rules, part 4", "[loops]") {
  run_part(3);
}

TEST_CASE("interleavings: a seed replays exactly") {
  std::uint64_t first = 0;
  std::uint64_t second = 0;

  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    CHECK(run(seed, first) == run(seed, second));
    CHECK(first == second);
  }
}
