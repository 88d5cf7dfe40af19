// Sizes, durations and flags as people write them, for options and URLs alike.
#pragma once

#include <optional>
#include <string>

#include <weir/base.hpp>

namespace weir {

// Nothing if the form is wrong. What is too large for the type is its largest value, so that the
// caller's check of its own range says what is wrong.
WEIR_API std::optional<std::size_t> parse_size(std::string_view text);
WEIR_API std::optional<std::int64_t> parse_number(std::string_view text);
WEIR_API std::optional<Millis> parse_duration(std::string_view text);
WEIR_API std::optional<bool> parse_flag(std::string_view text);

// The same backwards, in the largest unit that is exact.
WEIR_API std::string size_text(std::size_t bytes);
WEIR_API std::string duration_text(Millis duration);

}  // namespace weir
