#include "target_facts.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "listeners.hpp"

namespace weir::load {

namespace {

constexpr int kTrialMillis = 1'000;

// A socket address of any family we know.
struct Endpoint {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

std::optional<Address> address_of(const sockaddr* from, std::uint16_t port) {
  if (from == nullptr) return {};
  if (from->sa_family == AF_INET) {
    const auto& ip = reinterpret_cast<const sockaddr_in*>(from)->sin_addr;
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &ip, bytes.size());
    return Address::ipv4(bytes, port);
  }
  if (from->sa_family == AF_INET6) {
    const auto* found = reinterpret_cast<const sockaddr_in6*>(from);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &found->sin6_addr, bytes.size());
    return Address::ipv6(bytes, port, found->sin6_scope_id);
  }
  return {};
}

Endpoint endpoint_of(const Address& address) {
  Endpoint to;
  if (address.family() == Address::Family::ipv4) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(address.port());
    std::memcpy(&in.sin_addr, address.ip().data(), address.ip().size());
    std::memcpy(&to.storage, &in, to.size = sizeof in);
  } else {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(address.port());
    in.sin6_scope_id = address.scope();
    std::memcpy(&in.sin6_addr, address.ip().data(), address.ip().size());
    std::memcpy(&to.storage, &in, to.size = sizeof in);
  }
  return to;
}

std::optional<Endpoint> endpoint_of(const std::string& path) {
  sockaddr_un local{};
  if (path.size() >= sizeof local.sun_path) return {};
  local.sun_family = AF_UNIX;
  std::memcpy(local.sun_path, path.data(), path.size());
  Endpoint to;
  std::memcpy(&to.storage, &local, to.size = sizeof local);
  return to;
}

bool takes_connection(const Endpoint& to) {
  const int socket = ::socket(to.storage.ss_family, SOCK_STREAM, 0);
  if (socket < 0) return false;
  ::fcntl(socket, F_SETFL, O_NONBLOCK);
  bool taken = ::connect(socket, to.get(), to.size) == 0;
  pollfd wait{socket, POLLOUT, 0};
  if (!taken && errno == EINPROGRESS && ::poll(&wait, 1, kTrialMillis) == 1) {
    int error = 0;
    socklen_t size = sizeof error;
    taken = ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
  }
  ::close(socket);
  return taken;
}

bool same_ip(const Address& a, const Address& b) {
  return std::equal(a.ip().begin(), a.ip().end(), b.ip().begin(), b.ip().end());
}

bool is_own(const Address& address) {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return false;
  bool found = false;
  for (const ifaddrs* each = all; each != nullptr && !found; each = each->ifa_next) {
    const auto own = address_of(each->ifa_addr, 0);
    found = own && same_ip(*own, address);
  }
  ::freeifaddrs(all);
  return found;
}

bool can_be_source(const Address& address) {
  const Endpoint from = endpoint_of(address);
  const int socket = ::socket(from.storage.ss_family, SOCK_STREAM, 0);
  if (socket < 0) return false;
  const bool bound = ::bind(socket, from.get(), from.size) == 0;
  ::close(socket);
  return bound;
}

std::optional<Address> resolve(const Url& url, std::string& why_not) {
  if (url.host().empty()) return Address::ipv4({127, 0, 0, 1}, url.port());
  if (const auto numeric = Address::parse(url.host(), url.port())) return numeric;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(url.host().c_str(), nullptr, &hints, &found);
  if (error != 0) {
    why_not = ::gai_strerror(error);
    return {};
  }
  const auto address = address_of(found->ai_addr, url.port());
  ::freeaddrinfo(found);
  if (!address) why_not = "No address of a family known here";
  return address;
}

// Those that are said, or the host's first.
std::vector<Address> endpoints(const Url& url, const std::vector<std::string>& said,
                               std::string& why_not) {
  std::vector<Address> all;
  for (const std::string& each : said) {
    if (const auto address = Address::parse(each, url.port())) all.push_back(*address);
  }
  if (!said.empty()) return all;
  if (const auto address = resolve(url, why_not)) all.push_back(*address);
  return all;
}

void count_ports(const SocketTable& table, const PortRange& range,
                 const std::vector<Address>& targets, TargetFacts& facts) {
  std::vector<bool> listening(65'536);
  for (const SocketRow& row : table.rows) {
    const std::uint16_t port = row.local.port();
    if (port < range.first || port > range.last) continue;
    if (row.state == kListen) {
      facts.ports_listening += listening[port] ? 0 : 1;
      listening[port] = true;
    } else if (std::find(targets.begin(), targets.end(), row.remote) != targets.end()) {
      ++(row.state == kTimeWait ? facts.ports_waiting : facts.ports_connected);
    }
  }
  facts.ports_known = table.known;
  facts.ports_cut = table.cut;
}

void read_unix_target(const std::string& path, Trial trial, TargetFacts& facts) {
  facts.place = Place::unix_socket;
  const auto listeners = unix_listeners(path);
  facts.listeners_known = listeners.has_value();
  if (listeners) facts.listeners = *listeners;
  if (!facts.listeners_known || !facts.listeners.empty()) return;
  facts.unserved.push_back(path);
  if (trial == Trial::never) return;
  const auto to = endpoint_of(path);
  facts.answers = to && takes_connection(*to);
}

void read_local_target(const SocketTable& table, std::vector<Address> targets, Trial trial,
                       TargetFacts& facts) {
  std::erase_if(targets, [](const Address& each) { return !each.is_loopback() && !is_own(each); });
  facts.listeners_known = table.known;
  if (!table.known) return;
  facts.listeners = tcp_listeners(table, targets);
  for (const Address& each : targets) {
    if (!rows_for(table, each).empty()) continue;
    if (facts.unserved.empty() && trial == Trial::allowed) {
      facts.answers = takes_connection(endpoint_of(each));
    }
    facts.unserved.push_back(each.text());
  }
}

}  // namespace

TargetFacts read_target_facts(const Intent& intent, const SystemFacts& system, Trial trial) {
  TargetFacts facts;
  for (const std::string& each : intent.sources) {
    const auto address = Address::parse(each, 0);
    if (!address || !can_be_source(*address)) facts.not_sources.push_back(each);
  }
  if (intent.target && intent.target->is_unix()) {
    read_unix_target(intent.target->path(), trial, facts);
    return facts;
  }
  std::vector<Address> targets;
  if (intent.target) targets = endpoints(*intent.target, intent.targets, facts.unresolved);
  const SocketTable table = read_socket_table();
  if (system.ports) count_ports(table, *system.ports, targets, facts);
  if (targets.empty()) return facts;
  facts.ipv6 = targets.front().family() == Address::Family::ipv6;
  facts.place = targets.front().is_loopback() ? Place::loopback
                : is_own(targets.front())     ? Place::here
                                              : Place::elsewhere;
  if (facts.place != Place::elsewhere) read_local_target(table, targets, trial, facts);
  return facts;
}

}  // namespace weir::load
