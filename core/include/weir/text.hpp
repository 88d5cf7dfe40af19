// Outside text made safe for a log or a terminal, and the nearest valid word to a wrong one.
#pragma once

#include <span>
#include <string>

#include <weir/base.hpp>

namespace weir {

// Printable text on one line: C0, C1, DEL, quotes, backslash, what is not UTF-8, line separators and
// bidirectional controls become \n, \r, \t, \xNN or \u{NNNN}. Longer output than `most` bytes is
// cut between characters and ends in "...".
WEIR_API std::string escape(std::string_view text, std::size_t most = 1024);

// The candidate that is fewest edits away, or "" if none is near enough to be meant.
WEIR_API std::string nearest(std::string_view word, std::span<const std::string> candidates);

}  // namespace weir
