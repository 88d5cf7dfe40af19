#include <cstdlib>
#include <iostream>

#include "relay_machine.hpp"

using namespace weir;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kSeeds = 100;
#else
constexpr std::uint64_t kSeeds = 1'000;
#endif

}  // namespace

TEST_CASE("relay interleavings: what arrives is what was sent, in any order of events") {
  std::uint64_t first = 0;
  std::uint64_t last = kSeeds;
  if (const char* const asked = std::getenv("WEIR_SEED")) {
    first = std::strtoull(asked, nullptr, 10);
    last = first + 1;
  }
  std::uint64_t spliced = 0;
  std::uint64_t carried = 0;
  for (std::uint64_t seed = first; seed < last; ++seed) {
    RelayMachine machine(seed);
    INFO("replay with WEIR_SEED=" << seed);
    REQUIRE_THAT(machine.run(), Catch::Equals(""));
    spliced += machine.spliced();
    carried += machine.carried();
  }
  std::cout << last - first << " interleavings, " << carried << " bytes, " << spliced
            << " of them spliced\n";
  if (can_splice() && last - first == kSeeds) {
    CHECK(spliced > carried / 20);
    CHECK(spliced < carried);
  }
}
