#include "machine.hpp"

#include <cerrno>
#include <chrono>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <weir/base.hpp>

namespace weir::load {

namespace {

constexpr Nanos kSecond = 1'000'000'000;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string of_process(int pid, const char* name) {
  return read_file("/proc/" + std::to_string(pid) + "/" + name);
}

Nanos nanos(const timeval& time) {
  return static_cast<Nanos>(time.tv_sec) * kSecond + static_cast<Nanos>(time.tv_usec) * 1'000;
}

// Sums over processes; nothing if one of them cannot be read, as the sum would be wrong.
template <class F>
std::optional<std::uint64_t> sum(std::span<const int> pids, F&& each) {
  std::uint64_t total = 0;
  for (const int pid : pids) {
    const std::optional<std::uint64_t> one = each(pid);
    if (!one) return {};
    total += *one;
  }
  if (pids.empty()) return {};
  return total;
}

}  // namespace

// The command's name comes second, in brackets, and may itself hold brackets and spaces.
std::optional<std::uint64_t> cpu_ticks(const std::string& stat) {
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream fields(stat.substr(name_end + 1));
  std::string skipped;
  constexpr int before = 11;  // State to cmajflt.
  for (int i = 0; i < before; ++i) fields >> skipped;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  if (!(fields >> user >> system)) return {};
  return user + system;
}

std::optional<std::uint64_t> private_dirty(const std::string& rollup) {
  constexpr std::string_view key = "\nPrivate_Dirty:";
  const std::size_t at = rollup.find(key);
  if (at == std::string::npos) return {};
  std::istringstream rest(rollup.substr(at + key.size()));
  std::uint64_t kib = 0;
  if (!(rest >> kib)) return {};
  return kib * 1'024;
}

SystemMachine::SystemMachine(std::span<const int> server_pids) : pids_(server_pids) {
  for (const int pid : pids_) {
    if (!cpu_ticks(of_process(pid, "stat"))) {
      throw SetupError("server-pid: nothing is known of a process " + std::to_string(pid));
    }
  }
}

Nanos SystemMachine::now() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<Nanos>(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

Nanos SystemMachine::own_cpu() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return nanos(usage.ru_utime) + nanos(usage.ru_stime);
}

std::optional<Nanos> SystemMachine::server_cpu() {
  const auto ticks = sum(pids_, [](int pid) { return cpu_ticks(of_process(pid, "stat")); });
  if (!ticks) return {};
  return *ticks * (kSecond / static_cast<Nanos>(::sysconf(_SC_CLK_TCK)));
}

std::optional<std::uint64_t> SystemMachine::server_memory() {
  return sum(pids_, [](int pid) { return private_dirty(of_process(pid, "smaps_rollup")); });
}

void pin_to_cpu(int cpu) {
#ifdef __linux__
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  if (::sched_setaffinity(0, sizeof set, &set) == 0) return;
  throw SetupError("cpu: this process cannot run on CPU " + std::to_string(cpu) + ": " +
                   std::generic_category().message(errno));
#else
  throw SetupError("cpu: this system does not let a process choose its CPU " + std::to_string(cpu));
#endif
}

}  // namespace weir::load
