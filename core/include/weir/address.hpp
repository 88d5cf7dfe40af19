// One resolved address of a peer or of a listener.
#pragma once

#include <array>
#include <optional>
#include <string>

#include <weir/base.hpp>

namespace weir {

// What the kernel says of the process at the other end of a Unix socket, as it was when it connected.
struct Credentials {
  std::int32_t pid = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

// A value of 24 bytes. A Unix socket's path does not fit and is not part of it; its peer's
// credentials are.
class WEIR_API Address {
 public:
  enum class Family : std::uint8_t { none, ipv4, ipv6, local };

  Address() = default;
  static Address ipv4(std::array<std::uint8_t, 4> bytes, std::uint16_t port);
  static Address ipv6(std::array<std::uint8_t, 16> bytes, std::uint16_t port,
                      std::uint32_t scope = 0);
  static Address local(std::optional<Credentials> peer = {});

  // A numeric IPv4 or IPv6 address, the latter without brackets; nothing else, no names.
  static std::optional<Address> parse(std::string_view ip, std::uint16_t port);

  Family family() const { return family_; }
  std::uint16_t port() const { return port_; }    // 0 for Unix sockets.
  std::uint32_t scope() const { return scope_; }  // The interface of a link-local IPv6 address.
  Bytes ip() const;                               // 4, 16 or 0 bytes, in network order.
  bool is_loopback() const;
  std::optional<Credentials> credentials() const;  // Unix peers, where the system tells.

  // "127.0.0.1:9000", "[::1]:9000", "unix" or "unix:pid=12,uid=0", "none".
  std::string text() const;

  friend bool operator==(const Address&, const Address&) = default;

 private:
  Family family_ = Family::none;
  bool has_credentials_ = false;
  std::uint16_t port_ = 0;
  std::uint32_t scope_ = 0;
  std::array<std::uint8_t, 16> bytes_{};
};

}  // namespace weir
