// A machine and a load made up: all is well with them, but for what a test changes.
#pragma once

#include <bench/doctor/doctor.hpp>

namespace weir::load::made_up {

inline Intent intent(std::uint64_t connections = 1'000) {
  Intent made;
  made.target = Url::parse("tcp://127.0.0.1:7007");
  made.connections = connections;
  return made;
}

inline Listener listener(int pid, int parent, const std::string& command) {
  Listener made{"127.0.0.1:7007", true, 0, 4'096, {}};
  made.holders.push_back({pid, parent, command, 1'048'576});
  return made;
}

inline Facts facts() {
  Facts made;
  SystemFacts& system = made.system;
  system.descriptors_soft = 1'024;
  system.descriptors_hard = 20'000;
  system.descriptors_most = 1'048'576;
  system.files_most = 2'000'000;
  system.files_open = 1'000;
  system.ports = PortRange{32'768, 60'999};  // 28,232
  system.port_reuse = 2;
  system.backlog_most = 4'096;
  system.input_queue = 1'000;
  system.syn_backlog = 2'048;
  system.syn_cookies = 1;
  system.abort_on_overflow = 0;
  system.tracking = false;
  system.memory_available = std::uint64_t{8} << 30;
  system.tcp_pages_pressure = 400'000;
  system.tcp_pages_most = 600'000;
  system.tcp_pages = 100;
  system.cpus = 4;
  system.load = 0.1;
  system.clock = "tsc";
  system.clocks = "tsc hpet acpi_pm";
  made.target.place = Place::loopback;
  made.target.listeners_known = true;
  made.target.listeners = {listener(12, 1, "weir serve echo")};
  made.target.ports_known = true;
  return made;
}

// The finding of that name; of severity unknown and without a name if there is none.
inline Finding finding(const std::string& name, const Intent& intent, const Facts& facts) {
  for (const Finding& each : judge(intent, facts).findings) {
    if (each.name == name) return each;
  }
  return {"", Severity::unknown, "", ""};
}

}  // namespace weir::load::made_up
