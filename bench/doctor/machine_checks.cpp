// What figures taken on this machine are worth.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include <weir/text.hpp>

#include "checks.hpp"

namespace weir::load {

namespace {

std::string decimal(double value) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.2f", value);
  return text.data();
}

double usable_cpus(std::uint64_t allowed, std::optional<double> quota) {
  const auto cpus = static_cast<double>(allowed);
  return std::min(cpus, quota.value_or(cpus));
}

}  // namespace

void check_cpus(const Intent& intent, const Facts& facts, Findings& into) {
  const SystemFacts& system = facts.system;
  if (!system.cpus) {
    into.push_back(
        {"cpus", Severity::unknown, "the system does not tell how many may be used", ""});
    return;
  }
  const double usable = usable_cpus(*system.cpus, system.cpu_quota);
  const double agents = static_cast<double>(intent.agents);
  std::string text = grouped(*system.cpus) + " may be used";
  if (system.cpu_quota) text += ", for " + decimal(*system.cpu_quota) + " of CPU time (cpu.max)";
  text += ", by " + grouped(intent.agents) + (intent.agents == 1 ? " agent" : " agents");
  if (is_local(facts.target.place)) text += " and the server";
  if (agents > usable) {
    const std::uint64_t fewer =
        std::max(static_cast<std::uint64_t>(std::max(1.0, std::floor(usable))),
                 least_agents(intent, system));
    const bool can = fewer < intent.agents;
    into.push_back({"cpus", Severity::remark, text + ": agents wait for one another",
                    can ? "--agents " + std::to_string(fewer) : ""});
  } else if (is_local(facts.target.place) && usable < 2) {
    into.push_back({"cpus", Severity::remark, text + ": the figure is that of both together", ""});
  } else {
    into.push_back({"cpus", Severity::ok, text, ""});
  }
}

void check_load(const Intent&, const Facts& facts, Findings& into) {
  if (!facts.system.load || !facts.system.cpus) {
    into.push_back({"load", Severity::unknown, "the system does not tell how busy it is", ""});
    return;
  }
  const bool busy = *facts.system.load > 0.5 * static_cast<double>(*facts.system.cpus);
  into.push_back({"load", busy ? Severity::remark : Severity::ok,
                  decimal(*facts.system.load) + " threads were running on average of a minute" +
                      (busy ? ": somebody else is busy" : ""),
                  busy ? "ps -eo pid,pcpu,args --sort=-pcpu | head" : ""});
}

// Guests of a virtual machine have none, which is no matter of theirs.
void check_governor(const Intent&, const Facts& facts, Findings& into) {
  const std::string& governor = facts.system.governor;
  if (governor.empty()) return;
  const bool saves = governor == "powersave";
  into.push_back({"governor", saves ? Severity::remark : Severity::ok,
                  "it is " + escape(governor, 40) +
                      (saves ? ": the clock rate follows the load, and figures with it" : ""),
                  saves ? "echo performance | sudo tee "
                          "/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
                        : ""});
}

void check_clock(const Intent&, const Facts& facts, Findings& into) {
  // Those that are read without a system call.
  constexpr std::array<std::string_view, 4> fast = {"tsc", "kvm-clock", "arch_sys_counter",
                                                    "hyperv_clocksource_tsc_page"};
  const std::string& clock = facts.system.clock;
  if (clock.empty()) {
    into.push_back({"clock", Severity::unknown, "the system does not tell its clocksource", ""});
    return;
  }
  const bool quick = std::find(fast.begin(), fast.end(), clock) != fast.end();
  const bool tsc = (" " + facts.system.clocks + " ").find(" tsc ") != std::string::npos;
  into.push_back({"clock", quick ? Severity::ok : Severity::remark,
                  "it is " + escape(clock, 40) + (quick ? "" : ": each look at it is slow"),
                  quick || !tsc ? ""
                                : "echo tsc | sudo tee /sys/devices/system/clocksource/"
                                  "clocksource0/current_clocksource"});
}

}  // namespace weir::load
