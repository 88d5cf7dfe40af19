#include "listeners.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <set>

#include <dirent.h>
#include <unistd.h>

#include "system_facts.hpp"
#include "target_facts.hpp"

namespace weir::load {

namespace {

// A server opens its listening sockets early, so they have low numbers.
constexpr int kDescriptorsLookedAt = 4'096;

// Calls with each name in a folder until false comes back.
template <class F>
void each_name(const std::string& folder, F&& call) {
  DIR* const open = ::opendir(folder.c_str());
  if (open == nullptr) return;
  while (const dirent* entry = ::readdir(open)) {
    if (!call(std::string_view(entry->d_name))) break;
  }
  ::closedir(open);
}

// "socket:[123]"
Count socket_inode(const std::string& link) {
  std::array<char, 64> target{};
  const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
  std::string_view text(target.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  constexpr std::string_view begin = "socket:[";
  if (!text.starts_with(begin) || !text.ends_with(']')) return {};
  text.remove_prefix(begin.size());
  text.remove_suffix(1);
  return read_number(text);
}

ProcessFacts read_process(int pid) {
  const std::string folder = "/proc/" + std::to_string(pid) + "/";
  ProcessFacts facts;
  facts.pid = pid;
  facts.parent = read_parent(read_small_file(folder + "stat"));
  facts.command = read_small_file(folder + "cmdline", 4'096);
  while (facts.command.ends_with('\0')) facts.command.pop_back();
  std::replace(facts.command.begin(), facts.command.end(), '\0', ' ');
  if (facts.command.empty()) facts.command = trimmed(read_small_file(folder + "comm"));
  facts.descriptors = read_open_files(read_small_file(folder + "limits"));
  return facts;
}

void append_rows(const char* path, std::size_t most, SocketTable& table) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return;  // The head.
  table.known = true;
  for (std::size_t i = 0; std::getline(file, line); ++i) {
    if (i == most) {
      table.cut = true;
      return;
    }
    if (const auto row = read_socket_row(line)) table.rows.push_back(*row);
  }
}

bool is_every_address(const Address& address) {
  const Bytes ip = address.ip();
  return std::all_of(ip.begin(), ip.end(), [](std::byte each) { return each == std::byte{0}; });
}

std::string place_of(const Address& address) {
  if (is_every_address(address)) return "*:" + std::to_string(address.port());
  return address.text();
}

void name_holders(std::vector<Listener>& listeners, const std::vector<std::uint64_t>& inodes) {
  const auto holders = holders_of(inodes);
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const auto found = holders.find(inodes[i]);
    if (found != holders.end()) listeners[i].holders = found->second;
  }
}

}  // namespace

SocketTable read_socket_table(std::size_t most) {
  SocketTable table;
  append_rows("/proc/net/tcp", most, table);
  append_rows("/proc/net/tcp6", most, table);
  return table;
}

std::vector<RankedRow> rows_for(const SocketTable& table, const Address& target) {
  std::vector<RankedRow> found;
  const bool ipv4 = target.family() == Address::Family::ipv4;
  for (const SocketRow& row : table.rows) {
    if (row.state != kListen || row.local.port() != target.port()) continue;
    const bool same_family = row.local.family() == target.family();
    const bool every = is_every_address(row.local);
    if (same_family && std::equal(row.local.ip().begin(), row.local.ip().end(), target.ip().begin(),
                                  target.ip().end())) {
      found.push_back({&row, 2});
    } else if (every && same_family) {
      found.push_back({&row, 1});
    } else if (every && ipv4) {
      found.push_back({&row, 0});  // An IPv6 socket for both, unless it was told otherwise.
    }
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const RankedRow& a, const RankedRow& b) { return a.rank > b.rank; });
  return found;
}

std::map<std::uint64_t, std::vector<ProcessFacts>> holders_of(
    std::span<const std::uint64_t> inodes) {
  std::map<std::uint64_t, std::vector<ProcessFacts>> holders;
  if (inodes.empty()) return holders;
  const std::set<std::uint64_t> wanted(inodes.begin(), inodes.end());
  each_name("/proc", [&](std::string_view name) {
    int pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc() || end != name.data() + name.size()) return true;
    const std::string folder = "/proc/" + std::string(name) + "/fd/";
    std::set<std::uint64_t> held;
    int looked_at = 0;
    each_name(folder, [&](std::string_view descriptor) {
      const Count inode = socket_inode(folder + std::string(descriptor));
      if (inode && wanted.contains(*inode)) held.insert(*inode);
      return ++looked_at < kDescriptorsLookedAt;
    });
    if (held.empty()) return true;
    const ProcessFacts process = read_process(pid);
    for (const std::uint64_t inode : held) holders[inode].push_back(process);
    return true;
  });
  return holders;
}

std::vector<Listener> tcp_listeners(const SocketTable& table, std::span<const Address> targets) {
  std::vector<Listener> listeners;
  std::vector<std::uint64_t> inodes;
  const auto backlogs = tcp_backlogs();
  for (const Address& target : targets) {
    const std::vector<RankedRow> rows = rows_for(table, target);
    for (const RankedRow& each : rows) {
      const bool reached = each.rank == rows.front().rank;
      const auto known = std::find(inodes.begin(), inodes.end(), each.row->inode);
      if (known != inodes.end()) {
        Listener& listener = listeners[static_cast<std::size_t>(known - inodes.begin())];
        listener.reached = listener.reached || reached;
        continue;
      }
      Listener listener{place_of(each.row->local), reached, each.row->uid, {}, {}};
      const auto backlog = backlogs.find(each.row->inode);
      if (backlog != backlogs.end()) listener.backlog = backlog->second;
      listeners.push_back(std::move(listener));
      inodes.push_back(each.row->inode);
    }
  }
  name_holders(listeners, inodes);
  return listeners;
}

std::optional<std::vector<Listener>> unix_listeners(const std::string& path) {
  std::ifstream file("/proc/net/unix");
  std::string line;
  if (!std::getline(file, line)) return {};
  std::vector<Listener> listeners;
  std::vector<std::uint64_t> inodes;
  while (std::getline(file, line)) {
    const auto row = read_unix_row(line);
    if (!row || row->path != path) continue;
    listeners.push_back({row->path, true, 0, {}, {}});
    inodes.push_back(row->inode);
  }
  name_holders(listeners, inodes);
  return listeners;
}

std::vector<int> listeners_of(const Url& target) {
  Intent intent;
  intent.target = target;
  const TargetFacts facts = read_target_facts(intent, {}, Trial::never);
  std::set<int> pids;
  for (const Listener& listener : facts.listeners) {
    if (!listener.reached) continue;
    for (const ProcessFacts& holder : listener.holders) pids.insert(holder.pid);
  }
  return {pids.begin(), pids.end()};
}

}  // namespace weir::load
