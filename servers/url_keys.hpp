// Query keys that come from elsewhere than the URL: from options, or from a table of the configuration.
#pragma once

#include <string>
#include <string_view>

namespace weir::program {

// The URL with one more key; the value may hold anything.
std::string with_key(std::string url, std::string_view key, std::string_view value);

}  // namespace weir::program
