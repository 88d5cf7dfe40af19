#include "process_words.hpp"

namespace weir::program {

namespace {

std::vector<std::string>& words() {
  static std::vector<std::string> remembered;
  return remembered;
}

}  // namespace

void remember_words(int argc, const char* const* argv) { words().assign(argv, argv + argc); }

const std::vector<std::string>& process_words() { return words(); }

}  // namespace weir::program
