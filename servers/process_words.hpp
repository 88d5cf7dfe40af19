// The command line of this process, word by word.
#pragma once

#include <string>
#include <vector>

namespace weir::program {

void remember_words(int argc, const char* const* argv);  // Once, at the start.
const std::vector<std::string>& process_words();

}  // namespace weir::program
