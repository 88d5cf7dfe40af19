// Who listens where on this machine.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "facts.hpp"
#include "proc_text.hpp"

namespace weir::load {

// The processes that take the connections to a target on this machine, in rising order: the socket
// with the target's own address before those of every address. Empty: nobody, not of this machine,
// not to be seen by this user, or not to be told by this system. Looks a host name up.
std::vector<int> listeners_of(const Url& target);

// The TCP sockets of this network namespace.
struct SocketTable {
  std::vector<SocketRow> rows;
  bool known = false;  // False: the system does not tell.
  bool cut = false;    // There are more.
};

// At most so many rows; those that listen come first.
SocketTable read_socket_table(std::size_t most = 200'000);

// Of those that listen, the ones that could take a connection to `target`; best rank first.
struct RankedRow {
  const SocketRow* row = nullptr;
  int rank = 0;  // The kernel takes the highest: 2 this address, 1 every one of IPv4, 0 every one.
};
std::vector<RankedRow> rows_for(const SocketTable& table, const Address& target);

// Whoever holds a descriptor of one of these sockets, by the socket.
std::map<std::uint64_t, std::vector<ProcessFacts>> holders_of(
    std::span<const std::uint64_t> inodes);

// The backlogs of the listening TCP sockets, by inode; empty where the kernel does not tell.
std::map<std::uint64_t, std::uint64_t> tcp_backlogs();

// The listening sockets for these addresses.
std::vector<Listener> tcp_listeners(const SocketTable& table, std::span<const Address> targets);
// Those at the path of a Unix socket; nothing where the system does not tell.
std::optional<std::vector<Listener>> unix_listeners(const std::string& path);

}  // namespace weir::load
