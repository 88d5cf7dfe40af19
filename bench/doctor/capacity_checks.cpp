// Descriptors, memory and the kernel's table of connections.
#include <algorithm>
#include <set>

#include "checks.hpp"

namespace weir::load {

namespace {

// What a server holds besides its connections, at least.
constexpr std::uint64_t kServerBeside = 16;

std::uint64_t share_of(std::uint64_t connections, std::uint64_t agents) {
  return connections / agents + (connections % agents == 0 ? 0 : 1);
}

// The hard limit, as far as the system lets it be.
std::uint64_t most_descriptors(const SystemFacts& system) {
  return std::min(system.descriptors_hard.value_or(UINT64_MAX),
                  system.descriptors_most.value_or(UINT64_MAX));
}

// Connections whose both ends are here have two descriptors.
std::uint64_t ends(const Facts& facts) { return is_local(facts.target.place) ? 2 : 1; }

void check_files(const Intent& intent, const Facts& facts, Findings& into) {
  const SystemFacts& system = facts.system;
  if (!system.files_most || !system.files_open) return;
  const std::uint64_t needed =
      intent.connections * ends(facts) + intent.agents * kDescriptorsBeside + *system.files_open;
  const bool fits = needed <= *system.files_most;
  into.push_back({"files", fits ? Severity::ok : Severity::fault,
                  "the system may have " + grouped(*system.files_most) + " files open, and " +
                      grouped(needed) + " would be, those of today included",
                  fits ? "" : "sysctl -w fs.file-max=" + std::to_string(needed)});
}

struct Need {
  std::uint64_t kernel = 0;
  std::uint64_t own = 0;
};

Need memory_for(std::uint64_t connections, const Intent& intent, const Facts& facts) {
  const bool tls = intent.target && intent.target->is_tls();
  // Without a target the dearer case counts.
  const bool pairs = facts.target.place != Place::elsewhere;
  return {connections * (pairs ? kKernelBytesOfPair : kKernelBytesOfPair / 2),
          connections * (kOwnBytes + (tls ? kOwnTlsBytes : 0))};
}

std::string mebibytes(std::uint64_t bytes) { return as_bytes_text(static_cast<double>(bytes)); }

void check_tcp_pages(const Intent& intent, const Facts& facts, Findings& into) {
  const SystemFacts& system = facts.system;
  if (!system.tcp_pages_pressure || !system.tcp_pages_most || !system.tcp_pages) return;
  if (facts.target.place == Place::unix_socket) return;
  const std::uint64_t pages = intent.connections * ends(facts) + *system.tcp_pages;
  const bool fits = pages <= *system.tcp_pages_pressure;
  into.push_back(
      {"tcp-memory", fits ? Severity::ok : Severity::remark,
       "with a page waiting at each socket TCP would hold " + grouped(pages) +
           " pages, and is short above " + grouped(*system.tcp_pages_pressure) + " (tcp_mem)",
       fits ? ""
            : "sysctl -w net.ipv4.tcp_mem=\"" + std::to_string(pages) + " " +
                  std::to_string(pages + pages / 4) + " " +
                  std::to_string(std::max(*system.tcp_pages_most, pages + pages / 2)) + "\""});
}

}  // namespace

std::uint64_t least_agents(const Intent& intent, const SystemFacts& system) {
  const std::uint64_t hard = most_descriptors(system);
  if (hard <= kDescriptorsBeside) return 1;
  return share_of(intent.connections, hard - kDescriptorsBeside);
}

void check_descriptors(const Intent& intent, const Facts& facts, Findings& into) {
  const SystemFacts& system = facts.system;
  if (!system.descriptors_hard) {
    into.push_back({"descriptors", Severity::unknown, "the system does not tell its limit", ""});
    return;
  }
  const std::uint64_t hard = most_descriptors(system);
  const std::uint64_t needed = share_of(intent.connections, intent.agents) + kDescriptorsBeside;
  const std::string who = intent.agents == 1 ? "the generator" : "each agent";
  std::string text =
      who + " needs " + grouped(needed) + ", and a process may have " + grouped(hard);
  if (needed <= hard) {
    if (system.descriptors_soft && *system.descriptors_soft < needed) {
      text += "; the soft limit of " + grouped(*system.descriptors_soft) + " is raised to that";
    }
    into.push_back({"descriptors", Severity::ok, text, ""});
  } else {
    text += "; or raise that: \"* hard nofile " + std::to_string(needed) +
            "\" in /etc/security/limits.conf, LimitNOFILE=" + std::to_string(needed) +
            " in a systemd unit";
    if (system.descriptors_most && needed > *system.descriptors_most) {
      text += ", behind sysctl -w fs.nr_open=" + std::to_string(needed);
    }
    into.push_back({"descriptors", Severity::fault, text,
                    hard <= kDescriptorsBeside
                        ? "ulimit -Hn 4096"
                        : "--agents " + std::to_string(least_agents(intent, system))});
  }
  check_files(intent, facts, into);
}

void check_server_descriptors(const Intent& intent, const Facts& facts, Findings& into) {
  std::set<int> counted;
  std::uint64_t all = 0;
  std::string who;
  for (const Listener& listener : facts.target.listeners) {
    if (!listener.reached) continue;
    for (const ProcessFacts& holder : listener.holders) {
      if (!counted.insert(holder.pid).second) continue;
      if (!holder.descriptors) return;
      all += std::min(*holder.descriptors, UINT64_MAX - all);
      who += (who.empty() ? "" : ", ") + std::to_string(holder.pid);
    }
  }
  if (counted.empty()) return;
  const std::uint64_t needed = intent.connections + kDescriptorsBeside;
  const bool one = counted.size() == 1;
  std::string text = std::string("the server (") + (one ? "pid " : "pids ") + who + ") may have " +
                     grouped(all) + " descriptors" + (one ? "" : " in all");
  if (all >= intent.connections + kServerBeside) {
    into.push_back({"server", Severity::ok, text, ""});
    return;
  }
  text +=
      ", too few for " + grouped(intent.connections) + " connections; raise it before it starts";
  into.push_back({"server", Severity::fault, text,
                  "ulimit -n " + std::to_string((needed + counted.size() - 1) / counted.size())});
}

// Connections made together are probed in the same moment when they have been silent, and what finds
// loopback's queue full is dropped, each time again, until both ends take each other for dead.
void check_probes(const Intent& intent, const Facts& facts, Findings& into) {
  if (facts.target.place != Place::loopback || !facts.system.input_queue) return;
  const std::uint64_t most = *facts.system.input_queue;
  if (intent.connections <= most) return;
  into.push_back(
      {"keepalive", Severity::remark,
       "loopback takes " + grouped(most) + " packets at once: of " + grouped(intent.connections) +
           " connections that stay silent for a minute, keepalive ends some; or say "
           "?keepalive=off at both ends",
       "sysctl -w net.core.netdev_max_backlog=" + std::to_string(2 * intent.connections)});
}

void check_tracking(const Intent& intent, const Facts& facts, Findings& into) {
  const SystemFacts& system = facts.system;
  if (facts.target.place == Place::unix_socket) return;
  if (!system.tracking) {
    into.push_back({"conntrack", Severity::unknown,
                    "the system does not tell whether it tracks connections", ""});
    return;
  }
  if (!*system.tracking) {
    into.push_back({"conntrack", Severity::ok, "connections are not tracked", ""});
    return;
  }
  if (!system.tracked || !system.tracked_most) {
    into.push_back({"conntrack", Severity::unknown, "the size of the table is not told", ""});
    return;
  }
  // A connection on loopback is seen twice and has one entry all the same.
  const std::uint64_t needed = intent.connections + *system.tracked;
  std::string text = "the table holds " + grouped(*system.tracked_most) + " connections and has " +
                     grouped(*system.tracked);
  Severity severity = Severity::ok;
  if (needed > *system.tracked_most) {
    // An empty table is that of a network in which no rule asks for tracking.
    severity = *system.tracked == 0 ? Severity::remark : Severity::fault;
    text += *system.tracked == 0 ? ", so none may be tracked here"
                                 : ", too few are left for " + grouped(intent.connections);
  }
  constexpr std::uint64_t spare = 1'024;
  into.push_back({"conntrack", severity, text,
                  severity == Severity::ok ? ""
                                           : "sysctl -w net.netfilter.nf_conntrack_max=" +
                                                 std::to_string(needed + spare)});
}

void check_memory(const Intent& intent, const Facts& facts, Findings& into) {
  const SystemFacts& system = facts.system;
  Count available = system.memory_available;
  if (system.memory_group_most && system.memory_group) {
    const std::uint64_t left =
        *system.memory_group_most - std::min(*system.memory_group_most, *system.memory_group);
    available = std::min(available.value_or(left), left);
  }
  const Need need = memory_for(intent.connections, intent, facts);
  const std::uint64_t all = need.kernel + need.own;
  std::string text = "about " + mebibytes(all) + " are needed: " + mebibytes(need.kernel) +
                     " of the kernel for " +
                     (facts.target.place == Place::elsewhere ? "this end" : "both ends") + ", " +
                     mebibytes(need.own) + " of the generator";
  if (!available) {
    into.push_back({"memory", Severity::unknown, text + "; what there is is not told", ""});
    return;
  }
  text += "; " + mebibytes(*available) + " are available";
  const Need one = memory_for(1, intent, facts);
  const std::uint64_t fits = *available / (one.kernel + one.own);
  const bool scarce = all > *available - *available / 5;
  into.push_back({"memory",
                  all > *available ? Severity::fault
                  : scarce         ? Severity::remark
                                   : Severity::ok,
                  text,
                  all > *available && fits > 0 ? "--connections " + std::to_string(fits) : ""});
  check_tcp_pages(intent, facts, into);
}

}  // namespace weir::load
