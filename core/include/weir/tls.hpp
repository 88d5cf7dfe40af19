// What TLS needs to know, and what it can tell.
#pragma once

#include <string>
#include <vector>

#include <weir/base.hpp>

namespace weir {

// How to secure a connection in place, for Connection::start_tls. Files are PEM.
struct TlsOptions {
  enum class Role : std::uint8_t { server, client };

  Role role = Role::server;
  std::string certificate;        // Chain; required for a server.
  std::string key;                // Readable by its owner only.
  std::string ca;                 // Whom to trust; empty: the system's.
  std::string server_name;        // SNI and the name that is checked, for a client.
  std::vector<std::string> alpn;  // In order of preference.
  bool verify_peer = true;        // A client always should.
};

// What a handshake agreed on.
struct TlsInfo {
  std::string version;  // "TLSv1.3"
  std::string cipher;
  std::string server_name;  // SNI as the client sent it.
  std::string alpn;
  std::string peer_certificate;  // Subject; empty without one.
  bool resumed = false;
};

}  // namespace weir
