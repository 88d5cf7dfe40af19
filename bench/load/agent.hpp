// One process of the generator: a run, led by what its page says.
#pragma once

#include "page.hpp"
#include "plan.hpp"

namespace weir::load {

// Runs the agent's share of the plan in this process, which was forked for it, and fills the page. Returns
// the exit status of the process; what went wrong is in the page.
int run_agent(const Plan& share, Page& page);

}  // namespace weir::load
