// Local ports, and the addresses that they belong to.
#include <algorithm>

#include "checks.hpp"

namespace weir::load {

namespace {

constexpr std::uint64_t kLoopbacks = 253;  // As many as --sources N takes.
constexpr std::uint64_t kFirstFree = 1'024;
constexpr std::uint64_t kLastPort = 65'535;

bool uses_ports(const Intent& intent) { return !intent.target || !intent.target->is_unix(); }

std::uint64_t reserved_in(const PortRange& range, const std::vector<PortRange>& reserved) {
  std::uint64_t count = 0;
  for (std::uint32_t port = range.first; port <= range.last; ++port) {
    count += std::any_of(
                 reserved.begin(), reserved.end(),
                 [port](const PortRange& each) { return each.first <= port && port <= each.last; })
                 ? 1
                 : 0;
  }
  return count;
}

std::uint64_t less(std::uint64_t all, std::uint64_t part) { return all - std::min(all, part); }

// Whether a port that rests in TIME_WAIT can be used again towards the same target after a second.
bool reuses(const Facts& facts) {
  const std::uint64_t reuse = facts.system.port_reuse.value_or(0);
  return reuse == 1 || (reuse == 2 && facts.target.place == Place::loopback);
}

struct Ports {
  std::uint64_t range = 0;
  std::uint64_t each = 0;   // That one source has towards one target.
  std::uint64_t pairs = 1;  // Of sources and targets.
  std::uint64_t taken = 0;  // By connections to the target.
  std::uint64_t all() const { return less(each * pairs, taken); }
};

Ports ports_of(const PortRange& range, const Intent& intent, const Facts& facts) {
  Ports ports;
  ports.range = std::uint64_t{range.last} - range.first + 1;
  ports.each = less(ports.range,
                    reserved_in(range, facts.system.ports_reserved) + facts.target.ports_listening);
  ports.pairs = std::max<std::uint64_t>(intent.sources.size(), 1) *
                std::max<std::uint64_t>(intent.targets.size(), 1);
  ports.taken = facts.target.ports_connected + (reuses(facts) ? 0 : facts.target.ports_waiting);
  return ports;
}

// More addresses where there are any for nothing, else more ports, else what takes both.
std::string more_ports(const Intent& intent, const Facts& facts, const Ports& ports) {
  const std::uint64_t targets = std::max<std::uint64_t>(intent.targets.size(), 1);
  const std::uint64_t wanted = intent.connections + ports.taken;
  const std::uint64_t per_source = ports.each * targets;
  const std::uint64_t sources = per_source == 0 ? 0 : (wanted + per_source - 1) / per_source;
  const bool loopback = facts.target.place == Place::loopback && !facts.target.ipv6;
  if (loopback && sources > 0 && sources <= kLoopbacks) {
    return "--sources " + std::to_string(sources);
  }
  const std::uint64_t widest = less(kLastPort - kFirstFree + 1, ports.range - ports.each);
  if (widest * ports.pairs >= wanted) {
    return "sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"";
  }
  if (loopback) return "--sources 253 --targets 253";
  return sources > 0 && !facts.target.ipv6 ? "--sources with " + std::to_string(sources) +
                                                 " addresses of this machine, commas between"
                                           : "";
}

}  // namespace

void check_sources(const Intent& intent, const Facts& facts, Findings& into) {
  if (intent.sources.empty()) return;
  const auto count = grouped(intent.sources.size());
  if (!facts.target.not_sources.empty()) {
    const std::string& first = facts.target.not_sources.front();
    const std::size_t others = facts.target.not_sources.size() - 1;
    const std::string more =
        others == 0 ? "" : ", nor are " + grouped(others) + " others of the " + count;
    into.push_back({"sources", Severity::fault, first + " is no address of this machine" + more,
                    first.find(':') == std::string::npos
                        ? "ip address add " + first + "/32 dev lo"
                        : "ip address add " + first + "/128 dev lo"});
    return;
  }
  const bool off_loopback = facts.target.place == Place::elsewhere;
  const auto strange =
      std::find_if(intent.sources.begin(), intent.sources.end(), [&](const std::string& each) {
        const auto address = Address::parse(each, 0);
        const bool ipv6 = address && address->family() == Address::Family::ipv6;
        const bool mixed = facts.target.place != Place::unknown && ipv6 != facts.target.ipv6;
        return mixed || (off_loopback && address && address->is_loopback());
      });
  if (strange != intent.sources.end() && facts.target.place != Place::unix_socket) {
    into.push_back({"sources", Severity::fault, *strange + " has no way to the target", ""});
    return;
  }
  into.push_back({"sources", Severity::ok, count + " can be bound", ""});
}

void check_ports(const Intent& intent, const Facts& facts, Findings& into) {
  if (!uses_ports(intent)) return;
  if (!facts.system.ports) {
    into.push_back({"ports", Severity::unknown, "the system does not tell its local ports", ""});
    return;
  }
  const Ports ports = ports_of(*facts.system.ports, intent, facts);
  std::string text = grouped(ports.all()) + " local ports can be had for " +
                     grouped(intent.connections) + " connections: " + grouped(ports.each) + " of " +
                     std::to_string(facts.system.ports->first) + " to " +
                     std::to_string(facts.system.ports->last);
  if (ports.pairs > 1) {
    text += ", times " + grouped(ports.pairs) + " pairs of source and target";
  }
  if (ports.taken > 0) text += ", less " + grouped(ports.taken) + " in use towards the target";
  if (facts.target.ports_cut) text += " or more";
  if (!facts.target.ports_known) text += " (how many are in use is not known)";
  const bool enough = ports.all() >= intent.connections;
  into.push_back({"ports", enough ? Severity::ok : Severity::fault, text,
                  enough ? "" : more_ports(intent, facts, ports)});
}

void check_time_wait(const Intent& intent, const Facts& facts, Findings& into) {
  if (!uses_ports(intent) || !intent.churns) return;
  const std::string rest =
      "a port rests for " + std::to_string(kTimeWaitSeconds) + " s where this side closes first";
  if (!facts.system.port_reuse || !facts.system.ports) {
    into.push_back({"time-wait", Severity::unknown, rest + ", unless the system reuses it", ""});
    return;
  }
  const std::uint64_t reuse = *facts.system.port_reuse;
  const std::string says = " (tcp_tw_reuse is " + std::to_string(reuse) + ")";
  const std::uint64_t rate = ports_of(*facts.system.ports, intent, facts).all() / kTimeWaitSeconds;
  const std::string lasts =
      "churn lasts at " + grouped(rate) + " connections a second at most" + says;
  if (reuses(facts)) {
    into.push_back(
        {"time-wait", Severity::ok, rest + ", but can be used again after 1 s" + says, ""});
  } else if (facts.target.place == Place::unknown && reuse == 2) {
    into.push_back(
        {"time-wait", Severity::ok, rest + ", 1 s on loopback; to elsewhere " + lasts, ""});
  } else {
    into.push_back(
        {"time-wait", Severity::remark,
         rest + ": " + lasts + ", and " + grouped(facts.target.ports_waiting) + " rest now",
         "sysctl -w net.ipv4.tcp_tw_reuse=1"});
  }
}

}  // namespace weir::load
