#include "reaches.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/stat.h>

#include <weir/text.hpp>

#include "sockaddr.hpp"

namespace weir {

namespace {

using Family = Address::Family;

const std::array<std::uint8_t, 4> kLoopback4{127, 0, 0, 1};
const std::array<std::uint8_t, 16> kLoopback6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

bool same_letters(std::string_view one, std::string_view other) {
  return lower(one) == lower(other);
}

// Two paths may be the same node, through a link or a dot.
bool same_node(const std::string& one, const std::string& other) {
  if (one == other) return true;
  struct stat a {};
  struct stat b {};
  return ::stat(one.c_str(), &a) == 0 && ::stat(other.c_str(), &b) == 0 && a.st_ino == b.st_ino &&
         a.st_dev == b.st_dev;
}

bool is_zero(Bytes bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte one) { return one == std::byte{0}; });
}

// An IPv4 address that is written as an IPv6 one is the same address.
Address plain(const Address& address) {
  sockaddr_storage storage{};
  const socklen_t length = to_sockaddr(address, storage);
  return from_sockaddr(reinterpret_cast<const sockaddr*>(&storage), length);
}

// What a host means without asking anybody; a name but localhost means nothing.
std::vector<Address> meanings(const std::string& host, std::uint16_t port) {
  if (host.empty()) return {Address::ipv4(kLoopback4, port)};
  if (same_letters(host, "localhost")) {
    return {Address::ipv4(kLoopback4, port), Address::ipv6(kLoopback6, port)};
  }
  const std::optional<Address> literal = Address::parse(host, port);
  return literal ? std::vector<Address>{plain(*literal)} : std::vector<Address>{};
}

// To dial "every address" is to dial loopback.
Address dialled(const Address& address) {
  if (!is_zero(address.ip())) return address;
  return address.family() == Family::ipv4 ? Address::ipv4(kLoopback4, address.port())
                                          : Address::ipv6(kLoopback6, address.port());
}

bool is_own(const Address& address) {
  if (address.is_loopback()) return true;
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) < 0) return false;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owned(first, ::freeifaddrs);
  for (const ifaddrs* at = first; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr) continue;
    const bool ipv6 = at->ifa_addr->sa_family == AF_INET6;
    const Address own =
        from_sockaddr(at->ifa_addr, ipv6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
    if (own.family() == address.family() && std::ranges::equal(own.ip(), address.ip())) return true;
  }
  return false;
}

}  // namespace

bool covers(const Url& listener, const Address& address) {
  if (listener.is_unix() || listener.port() != address.port()) return false;
  if (listener.host() == "*") return is_own(address);
  for (const Address& at : meanings(listener.host(), listener.port())) {
    if (at == address) return true;
    if (is_zero(at.ip()) && at.family() == address.family() && is_own(address)) return true;
  }
  return false;
}

bool reaches(const Url& to, const Url& listener) {
  if (to.is_unix() || listener.is_unix()) {
    // A node is the same whether or not TLS is spoken through it.
    const auto is_datagram = [](const Url& url) {
      return url.scheme() == Url::Scheme::unix_datagram;
    };
    return to.is_unix() && listener.is_unix() && is_datagram(to) == is_datagram(listener) &&
           same_node(to.path(), listener.path());
  }
  if (to.port() != listener.port()) return false;
  if (same_letters(to.host(), listener.host())) return true;
  const std::vector<Address> all = meanings(to.host(), to.port());
  return std::any_of(all.begin(), all.end(),
                     [&](const Address& one) { return covers(listener, dialled(one)); });
}

}  // namespace weir
