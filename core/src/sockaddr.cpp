#include "sockaddr.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace weir {

socklen_t to_sockaddr(const Address& from, sockaddr_storage& to) {
  std::memset(&to, 0, sizeof to);
  const Bytes ip = from.ip();
  if (from.family() == Address::Family::ipv4) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(from.port());
    std::memcpy(&in.sin_addr, ip.data(), ip.size());
    std::memcpy(&to, &in, sizeof in);
    return sizeof in;
  }
  if (from.family() == Address::Family::ipv6) {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(from.port());
    in.sin6_scope_id = from.scope();
    std::memcpy(&in.sin6_addr, ip.data(), ip.size());
    std::memcpy(&to, &in, sizeof in);
    return sizeof in;
  }
  return 0;
}

namespace {

// Copied rather than cast: the caller's buffer may be of another type and badly aligned.
template <class T>
std::optional<T> as(const sockaddr* from, socklen_t length) {
  if (length < sizeof(T)) return {};
  T out{};
  std::memcpy(&out, from, sizeof out);
  return out;
}

Address from_ipv6(const sockaddr_in6& in) {
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
  const std::uint16_t port = ntohs(in.sin6_port);
  if (!IN6_IS_ADDR_V4MAPPED(&in.sin6_addr)) return Address::ipv6(bytes, port, in.sin6_scope_id);
  std::array<std::uint8_t, 4> last{};
  std::copy(bytes.end() - 4, bytes.end(), last.begin());
  return Address::ipv4(last, port);
}

}  // namespace

Address from_sockaddr(const sockaddr* from, socklen_t length) {
  constexpr socklen_t kFamilyEnd = offsetof(sockaddr, sa_family) + sizeof(sa_family_t);
  if (from == nullptr || length < kFamilyEnd) return {};
  sa_family_t family = AF_UNSPEC;
  std::memcpy(&family, reinterpret_cast<const char*>(from) + offsetof(sockaddr, sa_family),
              sizeof family);
  if (family == AF_UNIX) return Address::local();
  if (family == AF_INET) {
    const auto in = as<sockaddr_in>(from, length);
    if (!in) return {};
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &in->sin_addr, bytes.size());
    return Address::ipv4(bytes, ntohs(in->sin_port));
  }
  if (family == AF_INET6) {
    const auto in = as<sockaddr_in6>(from, length);
    return in ? from_ipv6(*in) : Address();
  }
  return {};
}

}  // namespace weir
