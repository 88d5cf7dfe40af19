// Standard output and standard error: results on the one, sentences on the other.
#pragma once

#include <string_view>

#include "exit_codes.hpp"

namespace weir::program {

// Opens what is closed of descriptors 0 to 2 on /dev/null. Without it the first socket would become
// standard output, and a client would read the log.
void open_standard_descriptors();

// Whether what is written there is seen by a person whose terminal shows colours, and NO_COLOR is unset
// or empty.
bool has_colours(int descriptor);

// Writes everything, waiting as long as it takes. Returns 0 or errno.
int write_all(int descriptor, std::string_view text);

// Writes "weir: ", the sentence and a newline to standard error, and returns the code.
Exit fail(Exit code, std::string_view sentence);

// Writes text to standard output: kDone, or kSystem with a sentence if that cannot be done.
Exit print(std::string_view text);

}  // namespace weir::program
