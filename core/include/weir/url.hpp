// Where to listen or whom to dial, as a person writes it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <weir/base.hpp>

namespace weir {

// One grammar for listening and dialling, not yet resolved:
//
//   tcp://HOST:PORT   tls://HOST:PORT   udp://HOST:PORT   HOST:PORT (the same as tcp://)
//   unix:///PATH      tls+unix:///PATH  unixgram:///PATH  fd://N   systemd:NAME
//
// An empty host is loopback, "*" every address; an IPv6 address stands in brackets; a port is a
// number or a service's name ("time"), 0 lets the system choose one. Query keys follow "?", as in
// "unix:///run/x.sock?mode=0660".
class WEIR_API Url {
 public:
  enum class Scheme : std::uint8_t {
    tcp,
    tls,
    udp,
    unix_stream,
    tls_unix,
    unix_datagram,
    fd,
    systemd
  };

  struct Query {
    std::string key;
    std::string value;
  };

  // Throws SetupError with what is wrong and the nearest valid form, key or scheme.
  static Url parse(std::string_view text);

  Scheme scheme() const { return scheme_; }
  const std::string& host() const { return host_; }  // Without brackets; empty is loopback.
  std::uint16_t port() const { return port_; }
  const std::string& path() const { return path_; }  // Unix path, or the name after "systemd:".
  int descriptor() const { return descriptor_; }     // fd://N
  const std::vector<Query>& query() const { return query_; }
  std::optional<std::string> value(std::string_view key) const;  // The first, of a repeated one.

  bool is_unix() const {
    return scheme_ == Scheme::unix_stream || scheme_ == Scheme::tls_unix ||
           scheme_ == Scheme::unix_datagram;
  }
  bool is_tls() const { return scheme_ == Scheme::tls || scheme_ == Scheme::tls_unix; }

  // The same with another port; used to tell the port the system chose.
  Url with_port(std::uint16_t port) const;
  Url with_host(std::string host) const;

  // As it would be written, without query keys: those may hold paths of secrets.
  std::string text() const;

 private:
  friend class UrlParser;

  Scheme scheme_ = Scheme::tcp;
  std::uint16_t port_ = 0;
  int descriptor_ = -1;
  std::string host_;
  std::string path_;
  std::vector<Query> query_;
};

// Whether dialling `to` leads to a socket of this machine that listens at `listener`, as far as can be
// told without a lookup: the same Unix socket, or the same port and an address that the listener has.
// Of names only localhost is known; others are the same if they are written alike.
WEIR_API bool reaches(const Url& to, const Url& listener);

}  // namespace weir
