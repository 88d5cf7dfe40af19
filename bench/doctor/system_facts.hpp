// Reads what there is to be known of this machine. Nothing is changed, and nothing takes long.
#pragma once

#include "facts.hpp"

namespace weir::load {

// Where the system tells nothing, nothing is set.
SystemFacts read_system_facts();

// A file of /proc or /sys, at most so many bytes; empty if it cannot be read.
std::string read_small_file(const std::string& path, std::size_t most = 64 << 10);

}  // namespace weir::load
