// The checks, each of one matter: what was found out, judged. Pure; a check that has nothing to say
// of such a load or machine says nothing.
#pragma once

#include <vector>

#include "facts.hpp"
#include "finding.hpp"

namespace weir::load {

struct Facts {
  SystemFacts system;
  TargetFacts target;
};

using Findings = std::vector<Finding>;

// What the generator holds besides its connections, in descriptors.
constexpr std::uint64_t kDescriptorsBeside = 64;
// A local port rests so long in TIME_WAIT, in seconds.
constexpr std::uint64_t kTimeWaitSeconds = 60;
// Kernel memory of both ends of a connection on loopback, and the generator's own, in bytes.
constexpr std::uint64_t kKernelBytesOfPair = 10'300;
constexpr std::uint64_t kOwnBytes = 1'024;
constexpr std::uint64_t kOwnTlsBytes = 14'000;

// The least number of agents that descriptors suffice for; 1 where they would never, or nobody knows.
std::uint64_t least_agents(const Intent& intent, const SystemFacts& system);

// What can be held: capacity_checks.cpp
void check_descriptors(const Intent& intent, const Facts& facts, Findings& into);
void check_server_descriptors(const Intent& intent, const Facts& facts, Findings& into);
void check_tracking(const Intent& intent, const Facts& facts, Findings& into);
void check_probes(const Intent& intent, const Facts& facts, Findings& into);
void check_memory(const Intent& intent, const Facts& facts, Findings& into);

// Local ports: port_checks.cpp
void check_sources(const Intent& intent, const Facts& facts, Findings& into);
void check_ports(const Intent& intent, const Facts& facts, Findings& into);
void check_time_wait(const Intent& intent, const Facts& facts, Findings& into);

// Who is at the other end: target_checks.cpp
void check_target(const Intent& intent, const Facts& facts, Findings& into);
void check_listeners(const Intent& intent, const Facts& facts, Findings& into);
void check_backlog(const Intent& intent, const Facts& facts, Findings& into);
void check_overflow(const Intent& intent, const Facts& facts, Findings& into);

// What figures are worth: machine_checks.cpp
void check_cpus(const Intent& intent, const Facts& facts, Findings& into);
void check_load(const Intent& intent, const Facts& facts, Findings& into);
void check_governor(const Intent& intent, const Facts& facts, Findings& into);
void check_clock(const Intent& intent, const Facts& facts, Findings& into);

}  // namespace weir::load
