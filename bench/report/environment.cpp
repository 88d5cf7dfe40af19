#include "environment.hpp"

#include <cstdlib>
#include <fstream>
#include <string_view>
#include <thread>

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifdef __linux__
#include <sched.h>
#endif

namespace weir::load {

namespace {

// What stands behind the first line's sign that begins with the key, without quotes.
std::string field(const char* path, std::string_view key, char sign) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    std::string value = line.substr(line.find(sign) + 1);
    value.erase(0, value.find_first_not_of(" \t\""));
    while (!value.empty() && value.back() == '"') value.pop_back();
    return value;
  }
  return "";
}

int allowed_cpus() {
#ifdef __linux__
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  return static_cast<int>(std::thread::hardware_concurrency());
}

}  // namespace

Environment environment() {
  Environment found;
  found.system = field("/etc/os-release", "PRETTY_NAME=", '=');
  found.cpu = field("/proc/cpuinfo", "model name", ':');
  found.cpus = allowed_cpus();
  utsname names{};
  if (::uname(&names) == 0) found.kernel = std::string(names.sysname) + ' ' + names.release;
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  if (pages > 0) found.memory = static_cast<std::int64_t>(pages) * ::sysconf(_SC_PAGESIZE);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    found.descriptors = static_cast<std::int64_t>(limit.rlim_max);
  }
  double load = 0;
  if (::getloadavg(&load, 1) == 1) found.load_average = load;
  return found;
}

}  // namespace weir::load
