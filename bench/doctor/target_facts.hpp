// Reads what there is to be known of the target.
#pragma once

#include "facts.hpp"

namespace weir::load {

// Whether to make a connection, and close it, where somebody should listen and nobody is seen.
enum class Trial : std::uint8_t { never, allowed };

// Looks the host up, which may take as long as the resolver does. Nothing known without a target.
TargetFacts read_target_facts(const Intent& intent, const SystemFacts& system, Trial trial);

}  // namespace weir::load
