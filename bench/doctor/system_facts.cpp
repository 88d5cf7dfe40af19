#include "system_facts.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include "proc_text.hpp"

namespace weir::load {

namespace {

Count number_in(const std::string& path, std::size_t index = 0) {
  return number_at(read_small_file(path), index);
}

Count limit(rlim_t value) {
  return value == RLIM_INFINITY ? UINT64_MAX : static_cast<std::uint64_t>(value);
}

void read_files(SystemFacts& facts) {
  rlimit limits{};
  if (::getrlimit(RLIMIT_NOFILE, &limits) == 0) {
    facts.descriptors_soft = limit(limits.rlim_cur);
    facts.descriptors_hard = limit(limits.rlim_max);
  }
  facts.descriptors_most = number_in("/proc/sys/fs/nr_open");
  facts.files_most = number_in("/proc/sys/fs/file-max");
  facts.files_open = number_in("/proc/sys/fs/file-nr");
}

void read_network(SystemFacts& facts) {
  const std::string ipv4 = "/proc/sys/net/ipv4/";
  facts.ports = read_port_range(read_small_file(ipv4 + "ip_local_port_range"));
  facts.ports_reserved = read_port_list(read_small_file(ipv4 + "ip_local_reserved_ports"));
  facts.port_reuse = number_in(ipv4 + "tcp_tw_reuse");
  facts.backlog_most = number_in("/proc/sys/net/core/somaxconn");
  facts.input_queue = number_in("/proc/sys/net/core/netdev_max_backlog");
  facts.syn_backlog = number_in(ipv4 + "tcp_max_syn_backlog");
  facts.syn_cookies = number_in(ipv4 + "tcp_syncookies");
  facts.abort_on_overflow = number_in(ipv4 + "tcp_abort_on_overflow");
  facts.tracked_most = number_in("/proc/sys/net/netfilter/nf_conntrack_max");
  facts.tracked = number_in("/proc/sys/net/netfilter/nf_conntrack_count");
  // Without the module there are no such files.
  if (facts.ports) facts.tracking = facts.tracked_most.has_value();
  facts.tcp_pages_pressure = number_in(ipv4 + "tcp_mem", 1);
  facts.tcp_pages_most = number_in(ipv4 + "tcp_mem", 2);
  facts.tcp_pages = read_sockstat(read_small_file("/proc/net/sockstat"), "TCP:", "mem");
}

template <class T>
void lower_to(std::optional<T>& value, const std::optional<T>& other) {
  if (other && (!value || *other < *value)) value = other;
}

// A limit of any group above holds as well.
void read_group_limits(SystemFacts& facts) {
  const std::string root = "/sys/fs/cgroup";
  std::string group = read_group(read_small_file("/proc/self/cgroup"));
  while (!group.empty()) {
    const std::string folder = root + (group == "/" ? "" : group) + "/";
    lower_to(facts.cpu_quota, read_cpu_max(read_small_file(folder + "cpu.max")));
    const Count most = number_in(folder + "memory.max");
    const Count used = number_in(folder + "memory.current");
    if (most && used) {
      const auto left = [](std::uint64_t all, std::uint64_t of) { return all - std::min(all, of); };
      const bool tighter = !facts.memory_group_most || !facts.memory_group ||
                           left(*most, *used) < left(*facts.memory_group_most, *facts.memory_group);
      if (tighter) {
        facts.memory_group_most = most;
        facts.memory_group = used;
      }
    }
    if (group == "/") return;
    const std::size_t slash = group.rfind('/');
    group = slash == 0 || slash == std::string::npos ? "/" : group.substr(0, slash);
  }
}

void read_cpus(SystemFacts& facts) {
#ifdef __linux__
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) {
    facts.cpus = static_cast<std::uint64_t>(CPU_COUNT(&set));
  }
#endif
  if (!facts.cpus) {
    const long online = ::sysconf(_SC_NPROCESSORS_ONLN);
    if (online > 0) facts.cpus = static_cast<std::uint64_t>(online);
  }
  double average = 0;
  if (::getloadavg(&average, 1) == 1) facts.load = average;
  const auto word = [](const char* path) { return std::string(trimmed(read_small_file(path))); };
  facts.governor = word("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  facts.clock = word("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  facts.clocks = word("/sys/devices/system/clocksource/clocksource0/available_clocksource");
}

}  // namespace

std::string read_small_file(const std::string& path, std::size_t most) {
  std::ifstream file(path, std::ios::binary);
  std::string text(most, '\0');
  file.read(text.data(), static_cast<std::streamsize>(most));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  return text;
}

SystemFacts read_system_facts() {
  SystemFacts facts;
  read_files(facts);
  read_network(facts);
  facts.memory_available = read_kib(read_small_file("/proc/meminfo"), "MemAvailable:");
  const long page = ::sysconf(_SC_PAGESIZE);
  if (page > 0) facts.page_size = static_cast<std::uint64_t>(page);
  read_group_limits(facts);
  read_cpus(facts);
  return facts;
}

}  // namespace weir::load
