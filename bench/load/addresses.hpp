// The addresses that connections come from or go to, as a person writes them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir::load {

// The most that one option names.
constexpr std::size_t kAddressesMost = 4'096;

// "3" is 127.0.0.2 to 127.0.0.4, up to "253"; else IPv4 and IPv6 addresses with commas between, and
// ranges such as 127.0.0.2-127.0.0.9 that differ in the last byte only. In the order said, each as it
// is written. Throws SetupError with one sentence: what is wrong, in which word, what was expected.
std::vector<std::string> read_addresses(std::string_view text);

}  // namespace weir::load
