// Drives two loops, their connections and peers by the bytes of the input: every verb in every
// callback, with faults. Aborts where a rule is broken.
#include <cstdio>
#include <cstdlib>

#include "core/interleaving.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weir::interleaving::ByteDice dice({data, size});
  weir::interleaving::Machine machine(dice);
  const std::string wrong = machine.run();
  if (wrong.empty()) return 0;
  std::fprintf(stderr, "broken: %s\n", wrong.c_str());
  std::abort();
}
