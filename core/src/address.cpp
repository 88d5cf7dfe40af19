#include <weir/address.hpp>

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace weir {

namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// inet_pton wants a terminated string; what does not fit in here is no address.
using Terminated = std::array<char, INET6_ADDRSTRLEN>;

std::optional<Terminated> terminated(std::string_view text) {
  Terminated out{};
  if (text.size() >= out.size() || text.find('\0') != std::string_view::npos) return {};
  std::copy(text.begin(), text.end(), out.begin());
  return out;
}

}  // namespace

Address Address::ipv4(std::array<std::uint8_t, 4> bytes, std::uint16_t port) {
  Address address;
  address.family_ = Family::ipv4;
  address.port_ = port;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  return address;
}

Address Address::ipv6(std::array<std::uint8_t, 16> bytes, std::uint16_t port, std::uint32_t scope) {
  Address address;
  address.family_ = Family::ipv6;
  address.port_ = port;
  address.scope_ = scope;
  address.bytes_ = bytes;
  return address;
}

Address Address::local(std::optional<Credentials> peer) {
  static_assert(sizeof(Credentials) <= sizeof(bytes_));
  Address address;
  address.family_ = Family::local;
  if (peer) {
    address.has_credentials_ = true;
    std::memcpy(address.bytes_.data(), &*peer, sizeof *peer);
  }
  return address;
}

std::optional<Address> Address::parse(std::string_view ip, std::uint16_t port) {
  const auto text = terminated(ip);
  if (!text) return {};
  std::array<std::uint8_t, 4> four{};
  if (inet_pton(AF_INET, text->data(), four.data()) == 1) return ipv4(four, port);
  std::array<std::uint8_t, 16> sixteen{};
  if (inet_pton(AF_INET6, text->data(), sixteen.data()) == 1) return ipv6(sixteen, port);
  return {};
}

Bytes Address::ip() const {
  const Bytes all = std::as_bytes(std::span(bytes_));
  switch (family_) {
    case Family::ipv4:
      return all.first(4);
    case Family::ipv6:
      return all;
    case Family::none:
    case Family::local:
      break;
  }
  return {};
}

bool Address::is_loopback() const {
  if (family_ == Family::local) return true;
  if (family_ == Family::ipv4) return bytes_[0] == 127;
  if (family_ != Family::ipv6) return false;
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes_.begin())) {
    return bytes_[12] == 127;
  }
  return std::all_of(bytes_.begin(), bytes_.end() - 1, [](std::uint8_t b) { return b == 0; }) &&
         bytes_[15] == 1;
}

std::optional<Credentials> Address::credentials() const {
  if (!has_credentials_) return {};
  Credentials peer;
  std::memcpy(&peer, bytes_.data(), sizeof peer);
  return peer;
}

std::string Address::text() const {
  Terminated ip{};
  switch (family_) {
    case Family::none:
      return "none";
    case Family::local:
      break;
    case Family::ipv4:
      inet_ntop(AF_INET, bytes_.data(), ip.data(), ip.size());
      return std::string(ip.data()) + ':' + std::to_string(port_);
    case Family::ipv6:
      inet_ntop(AF_INET6, bytes_.data(), ip.data(), ip.size());
      return '[' + std::string(ip.data()) + (scope_ ? '%' + std::to_string(scope_) : "") +
             "]:" + std::to_string(port_);
  }
  const auto peer = credentials();
  if (!peer) return "unix";
  return "unix:pid=" + std::to_string(peer->pid) + ",uid=" + std::to_string(peer->uid);
}

}  // namespace weir
