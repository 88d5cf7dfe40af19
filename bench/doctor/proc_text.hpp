// The texts that Linux gives in /proc and /sys. Everything takes garbage and says nothing then.
#pragma once

#include <string>
#include <string_view>

#include "facts.hpp"

namespace weir::load {

// The text without the space around it.
std::string_view trimmed(std::string_view text);

// "4096\n"
Count read_number(std::string_view text);
// The `index`-th of numbers with spaces or tabs between; "max" is no number.
Count number_at(std::string_view text, std::size_t index);
// Of "MemAvailable:   12 kB" lines: bytes.
Count read_kib(std::string_view meminfo, std::string_view key);
// Of lines such as "TCP: inuse 1 orphan 0 tw 21 alloc 1 mem 294".
Count read_sockstat(std::string_view sockstat, std::string_view line, std::string_view key);
// "32768\t60999\n"
std::optional<PortRange> read_port_range(std::string_view text);
// "8080,9000-9010\n"; what is no range is left out.
std::vector<PortRange> read_port_list(std::string_view text);
// "0.05 0.16 0.26 3/96 22658": the first.
std::optional<double> read_load(std::string_view text);
// "150000 100000": 1.5 CPUs; "max 100000" is nothing.
std::optional<double> read_cpu_max(std::string_view text);
// The path in the line "0::/path" of /proc/self/cgroup; empty if there is none.
std::string read_group(std::string_view text);
// The soft limit in the line "Max open files" of /proc/PID/limits.
Count read_open_files(std::string_view limits);
// The parent's id in /proc/PID/stat; 0 if it is not of that form.
int read_parent(std::string_view stat);

// A row of /proc/net/tcp or tcp6. An IPv6 address that stands for one of IPv4 is given as that.
struct SocketRow {
  Address local;
  Address remote;
  unsigned state = 0;
  std::uint32_t uid = 0;
  std::uint64_t inode = 0;
};
constexpr unsigned kTimeWait = 6;
constexpr unsigned kListen = 10;

std::optional<SocketRow> read_socket_row(std::string_view line);

// A row of /proc/net/unix of a listening stream socket with a path.
struct UnixRow {
  std::string path;
  std::uint64_t inode = 0;
};
std::optional<UnixRow> read_unix_row(std::string_view line);

}  // namespace weir::load
