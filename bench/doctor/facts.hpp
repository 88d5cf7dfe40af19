// What is known of the machine and of the target: read elsewhere, judged elsewhere, made up in tests.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include <weir/address.hpp>
#include <weir/url.hpp>

namespace weir::load {

// The load that is asked about.
struct Intent {
  std::optional<Url> target;  // Nothing: only the machine is looked at.
  std::uint64_t connections = 50;
  std::uint64_t agents = 1;          // Processes that share the connections.
  std::vector<std::string> sources;  // Empty: the one that the system chooses.
  std::vector<std::string> targets;  // In place of the URL's host, if there are any.
  bool storms = true;                // All may be dialled at once.
  bool churns = true;                // Connections may end, and others be made, all the time.
};

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  friend bool operator==(const PortRange&, const PortRange&) = default;
};

using Count = std::optional<std::uint64_t>;  // Nothing: the system does not tell.

struct SystemFacts {
  Count descriptors_soft;  // RLIMIT_NOFILE of this process,
  Count descriptors_hard;
  Count descriptors_most;  // and what it can be raised to: fs.nr_open.
  Count files_most;        // Of the system: fs.file-max,
  Count files_open;        // and fs.file-nr.

  std::optional<PortRange> ports;         // ip_local_port_range
  std::vector<PortRange> ports_reserved;  // ip_local_reserved_ports
  Count port_reuse;                       // tcp_tw_reuse: 0 never, 1 always, 2 on loopback.

  Count backlog_most;  // somaxconn
  Count input_queue;   // Packets: netdev_max_backlog
  Count syn_backlog;   // tcp_max_syn_backlog
  Count syn_cookies;
  Count abort_on_overflow;

  std::optional<bool> tracking;  // Whether the kernel can track connections.
  Count tracked_most;            // nf_conntrack_max
  Count tracked;

  Count memory_available;    // Bytes.
  Count memory_group_most;   // Of the control group: bytes, nothing without a limit,
  Count memory_group;        // and what it uses.
  Count tcp_pages_pressure;  // tcp_mem's second and third,
  Count tcp_pages_most;
  Count tcp_pages;  // and what is used, of page_size bytes each.
  std::uint64_t page_size = 4'096;

  Count cpus;                       // This process may use.
  std::optional<double> cpu_quota;  // Of the control group, in CPUs.
  std::optional<double> load;       // Of the last minute.
  std::string governor;             // Of CPU 0, empty where none is to be read.
  std::string clock;                // The clocksource; empty where none is to be read,
  std::string clocks;               // and those that there are.
};

enum class Place : std::uint8_t { unknown, loopback, here, elsewhere, unix_socket };

struct ProcessFacts {
  int pid = 0;
  int parent = 0;
  std::string command;
  Count descriptors;  // Soft RLIMIT_NOFILE.
};

// One listening socket.
struct Listener {
  std::string at;         // "127.0.0.1:7007", "*:7007" or a path.
  bool reached = true;    // False: the kernel prefers another one for this target.
  std::uint32_t uid = 0;  // Whose it is.
  Count backlog;
  std::vector<ProcessFacts> holders;  // Empty if it is not for us to see.
};

struct TargetFacts {
  Place place = Place::unknown;
  bool ipv6 = false;
  std::string unresolved;  // Why the host has no address; empty if it has.
  // On this machine only, and where the system tells.
  bool listeners_known = false;
  std::vector<Listener> listeners;
  std::vector<std::string> unserved;     // Endpoints at which nobody listens.
  std::optional<bool> answers;           // If there are such: whether the first takes a connection.
  std::vector<std::string> not_sources;  // Sources that are not of this machine.

  // Local ports that cannot be had, or not towards the target.
  bool ports_known = false;
  bool ports_cut = false;  // There are more sockets than were looked at.
  std::uint64_t ports_listening = 0;
  std::uint64_t ports_connected = 0;
  std::uint64_t ports_waiting = 0;  // TIME_WAIT
};

inline bool is_local(Place place) {
  return place == Place::loopback || place == Place::here || place == Place::unix_socket;
}

}  // namespace weir::load
