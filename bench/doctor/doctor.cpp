#include "doctor.hpp"

#include <algorithm>

#include "system_facts.hpp"
#include "target_facts.hpp"

namespace weir::load {

namespace {

using Check = void (*)(const Intent&, const Facts&, Findings&);

constexpr Check kChecks[] = {
    check_target,   check_listeners, check_descriptors, check_server_descriptors,
    check_sources,  check_ports,     check_time_wait,   check_backlog,
    check_overflow, check_tracking,  check_probes,      check_memory,
    check_cpus,     check_load,      check_governor,    check_clock,
};

}  // namespace

bool Diagnosis::can() const {
  return std::none_of(findings.begin(), findings.end(),
                      [](const Finding& each) { return each.severity == Severity::fault; });
}

Diagnosis judge(Intent intent, const Facts& facts) {
  Diagnosis diagnosis{std::move(intent), {}};
  for (const Check check : kChecks) check(diagnosis.intent, facts, diagnosis.findings);
  return diagnosis;
}

Diagnosis diagnose(Intent intent) {
  Facts facts;
  facts.system = read_system_facts();
  facts.target = read_target_facts(intent, facts.system, Trial::allowed);
  return judge(std::move(intent), facts);
}

}  // namespace weir::load
