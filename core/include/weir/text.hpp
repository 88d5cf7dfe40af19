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

// Outside text made fit for other people's screens: one line of valid UTF-8. A tab becomes a space,
// what is not UTF-8 U+FFFD; other control characters, line separators and bidirectional controls are
// left out.
WEIR_API std::string clean(std::string_view text);

// With a to z in place of A to Z; what is no ASCII letter stays as it is.
WEIR_API std::string lower(std::string_view text);

// Whether the text is 1 to `most` ASCII letters, digits, _ and -: what people and things are called.
WEIR_API bool is_name(std::string_view text, std::size_t most);

// The candidate that is fewest edits away, or "" if none is near enough to be meant.
WEIR_API std::string nearest(std::string_view word, std::span<const std::string> candidates);

}  // namespace weir
