// Who is at the other end.
#include <algorithm>
#include <map>
#include <set>

#include <weir/text.hpp>

#include "checks.hpp"

namespace weir::load {

namespace {

constexpr std::size_t kCommandMost = 60;
constexpr std::uint64_t kBacklogMost = 65'535;

using Processes = std::map<int, const ProcessFacts*>;

// The processes that hold one of the listeners; only of those the kernel prefers, if so asked.
Processes holders(const std::vector<Listener>& listeners, bool reached_only) {
  Processes all;
  for (const Listener& listener : listeners) {
    if (reached_only && !listener.reached) continue;
    for (const ProcessFacts& holder : listener.holders) all.emplace(holder.pid, &holder);
  }
  return all;
}

// How many are not another one's child: a master and its workers are one server.
std::size_t servers(const Processes& all) {
  return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const auto& each) {
    return !all.contains(each.second->parent);
  }));
}

std::string named(const ProcessFacts& process) {
  return "pid " + std::to_string(process.pid) + " (" + escape(process.command, kCommandMost) + ")";
}

std::string named(const Listener& listener) {
  std::string text;
  std::size_t left = 4;  // The others of a large pool of workers add nothing.
  for (const ProcessFacts& holder : listener.holders) {
    if (left-- == 0) {
      text += " and " + std::to_string(listener.holders.size() - 4) + " more";
      break;
    }
    text += (text.empty() ? "" : ", ") + named(holder);
  }
  if (text.empty()) text = "a process of user " + std::to_string(listener.uid);
  return text + " at " + escape(listener.at, 200);
}

std::string named(const std::vector<Listener>& listeners) {
  std::set<std::string> all;  // A server may have a socket for each of its threads.
  for (const Listener& each : listeners) all.insert(named(each));
  std::string text;
  for (const std::string& each : all) text += (text.empty() ? "" : "; ") + each;
  return text;
}

std::string ids(const Processes& all) {
  std::string text;
  for (const auto& each : all) text += (text.empty() ? "" : ",") + std::to_string(each.first);
  return text;
}

Finding nobody(const Url& at, const TargetFacts& target) {
  std::string text = "nobody listens at " + escape(target.unserved.front(), 200);
  if (target.unserved.size() > 1) {
    text += " and " + grouped(target.unserved.size() - 1) + " more of the targets";
  }
  if (target.answers.value_or(false)) {
    return {"listeners", Severity::remark,
            text + " in this network namespace, and yet it answers: who does, is not to be seen",
            ""};
  }
  const std::string url = target.unserved.size() > 1 ? at.with_host("*").text() : at.text();
  return {"listeners", Severity::fault, text, "weir serve echo '" + url + "'"};
}

// The least backlog of those that take connections.
Count backlog_of(const TargetFacts& target) {
  Count least;
  for (const Listener& each : target.listeners) {
    if (each.reached && each.backlog) least = std::min(least.value_or(UINT64_MAX), *each.backlog);
  }
  return least;
}

std::string longer_backlog(const Intent& intent, const Facts& facts, std::uint64_t backlog) {
  const std::uint64_t wanted = std::min(intent.connections, kBacklogMost);
  const Count most = facts.system.backlog_most;
  const std::string url = intent.target ? intent.target->text() : "";
  if (most && *most < wanted && backlog >= *most) {
    return "sysctl -w net.core.somaxconn=" + std::to_string(wanted);
  }
  return "weir serve echo '" + url + "?backlog=" + std::to_string(wanted) + "'";
}

}  // namespace

void check_target(const Intent& intent, const Facts& facts, Findings& into) {
  if (!intent.target) return;
  if (!facts.target.unresolved.empty()) {
    into.push_back({"target", Severity::fault,
                    "\"" + escape(intent.target->host(), 200) +
                        "\" has no address: " + facts.target.unresolved,
                    "getent ahosts '" + escape(intent.target->host(), 200) + "'"});
    return;
  }
  switch (facts.target.place) {
    case Place::unknown:
      into.push_back({"target", Severity::unknown, "where it is, is not known", ""});
      return;
    case Place::elsewhere:
      into.push_back({"target", Severity::remark,
                      "it is elsewhere: the network and its interface on either side count too",
                      ""});
      return;
    case Place::loopback:
    case Place::here:
    case Place::unix_socket:
      break;
  }
  const bool unix_socket = facts.target.place == Place::unix_socket;
  std::string text = facts.target.place == Place::here ? "it is an address of this machine"
                     : unix_socket                     ? "it is a Unix socket"
                                                       : "it is on loopback";
  text += ": generator and server share the CPUs";
  if (!unix_socket) text += ", and receiving is charged to who sends";
  into.push_back({"target", Severity::ok, text, ""});
}

void check_listeners(const Intent& intent, const Facts& facts, Findings& into) {
  const TargetFacts& target = facts.target;
  if (!intent.target || !is_local(target.place)) return;
  if (!target.listeners_known) {
    into.push_back({"listeners", Severity::unknown, "the system does not tell who listens", ""});
    return;
  }
  if (!target.unserved.empty()) {
    into.push_back(nobody(*intent.target, target));
    return;
  }
  const Processes all = holders(target.listeners, false);
  const Processes reached = holders(target.listeners, true);
  const bool unseen = std::any_of(target.listeners.begin(), target.listeners.end(),
                                  [](const Listener& each) { return each.holders.empty(); });
  std::string text = named(target.listeners);
  if (servers(all) <= 1 && unseen) {
    into.push_back(
        {"listeners", Severity::unknown, text + "; only root sees who that is", "sudo ss -ltnp"});
  } else if (servers(all) <= 1) {
    into.push_back({"listeners", Severity::ok, text, ""});
  } else {
    text += servers(reached) > 1 ? ": the load is divided among them"
                                 : ": the load reaches " + ids(reached) + " alone";
    into.push_back(
        {"listeners", Severity::remark, text, "ps -o pid,ppid,lstart,args -p " + ids(all)});
  }
}

void check_backlog(const Intent& intent, const Facts& facts, Findings& into) {
  const Count most = facts.system.backlog_most;
  if (!intent.storms || facts.target.place == Place::elsewhere) return;
  const std::string storm = "a storm of " + grouped(intent.connections);
  const std::string cost = facts.target.place == Place::unix_socket
                               ? " may overflow it, and what does is refused"
                               : " may overflow it, and what does is sent again after 1 s";
  const Count backlog = backlog_of(facts.target);
  if (!backlog) {
    if (!most) {
      into.push_back({"backlog", Severity::unknown, "the system does not tell the backlog", ""});
      return;
    }
    const bool fits = intent.connections <= *most;
    into.push_back({"backlog", fits ? Severity::ok : Severity::remark,
                    "a listener here has one of at most " + grouped(*most) +
                        (fits ? ", enough for " + storm : ": " + storm + cost),
                    fits ? ""
                         : "sysctl -w net.core.somaxconn=" +
                               std::to_string(std::min(intent.connections, kBacklogMost))});
    return;
  }
  const bool fits = intent.connections <= *backlog;
  into.push_back({"backlog", fits ? Severity::ok : Severity::remark,
                  "the listener's is " + grouped(*backlog) +
                      (fits ? ", enough for " + storm
                            : ": " + storm + cost + "; a server sets it when it starts"),
                  fits ? "" : longer_backlog(intent, facts, *backlog)});
}

void check_overflow(const Intent& intent, const Facts& facts, Findings& into) {
  const SystemFacts& system = facts.system;
  const Place place = facts.target.place;
  if (!intent.storms || place == Place::elsewhere || place == Place::unix_socket) return;
  if (system.abort_on_overflow.value_or(0) != 0) {
    into.push_back({"overflow", Severity::remark,
                    "what overflows a backlog is reset (tcp_abort_on_overflow), an error at once",
                    "sysctl -w net.ipv4.tcp_abort_on_overflow=0"});
  }
  if (!system.syn_cookies || !system.syn_backlog) return;
  if (*system.syn_cookies == 0 && *system.syn_backlog < intent.connections) {
    into.push_back(
        {"syn-queue", Severity::remark,
         "it is " + grouped(*system.syn_backlog) +
             " long, and without tcp_syncookies more are dropped",
         "sysctl -w net.ipv4.tcp_max_syn_backlog=" + std::to_string(intent.connections)});
  } else if (*system.syn_cookies == 2) {
    into.push_back({"syn-queue", Severity::remark,
                    "every connection is made with a cookie (tcp_syncookies is 2), which costs CPU",
                    "sysctl -w net.ipv4.tcp_syncookies=1"});
  }
}

}  // namespace weir::load
