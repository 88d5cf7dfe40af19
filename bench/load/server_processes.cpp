#include "server_processes.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include <unistd.h>

#include <weir/base.hpp>

namespace weir::load {

namespace {

namespace fs = std::filesystem;

// Of a process with more, the busiest is not looked for.
constexpr std::size_t kThreadsMost = 256;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string of_process(int pid) { return "/proc/" + std::to_string(pid) + "/"; }

Nanos nanos_of(std::uint64_t ticks) {
  static const auto per_second = static_cast<Nanos>(::sysconf(_SC_CLK_TCK));
  return ticks * (kSecond / per_second);
}

void add_threads(int pid, std::map<std::int64_t, Nanos>& threads) {
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(of_process(pid) + "task", none)) {
    if (threads.size() >= kThreadsMost) return;
    const auto ticks = cpu_ticks(read_file(entry.path().string() + "/stat"));
    const std::string name = entry.path().filename().string();
    if (ticks) threads[std::strtoll(name.c_str(), nullptr, 10)] = nanos_of(*ticks);
  }
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

ServerShare share_between(const ServerUse& before, const ServerUse& after) {
  if (!before.cpu || !after.cpu || after.when <= before.when) return {};
  const double span = seconds(after.when - before.when);
  Nanos busiest = 0;
  for (const auto& [thread, used] : after.threads) {
    const auto earlier = before.threads.find(thread);
    const Nanos since = earlier == before.threads.end() ? 0 : earlier->second;
    if (used > since) busiest = std::max(busiest, used - since);
  }
  const Nanos used = *after.cpu > *before.cpu ? *after.cpu - *before.cpu : 0;
  return {seconds(used) / span, seconds(busiest) / span};
}

SystemServerProcesses::SystemServerProcesses(std::vector<int> pids) : pids_(std::move(pids)) {
  for (const int pid : pids_) {
    if (!cpu_ticks(read_file(of_process(pid) + "stat"))) {
      throw SetupError("server-pid: nothing is known of a process " + std::to_string(pid));
    }
  }
}

// A sum without one of them would be wrong.
ServerUse SystemServerProcesses::look(bool with_memory) {
  ServerUse use;
  if (pids_.empty()) return use;
  use.cpu = 0;
  if (with_memory) use.memory = 0;
  for (const int pid : pids_) {
    const auto ticks = cpu_ticks(read_file(of_process(pid) + "stat"));
    if (use.cpu && ticks) *use.cpu += nanos_of(*ticks);
    if (!ticks) use.cpu.reset();
    if (!with_memory) continue;
    const auto dirty = private_dirty(read_file(of_process(pid) + "smaps_rollup"));
    if (use.memory && dirty) *use.memory += static_cast<std::int64_t>(*dirty);
    if (!dirty) use.memory.reset();
  }
  for (const int pid : pids_) add_threads(pid, use.threads);
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  use.when = static_cast<Nanos>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
  return use;
}

}  // namespace weir::load
