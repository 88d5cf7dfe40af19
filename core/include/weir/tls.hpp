// What TLS needs to know, and what it can tell.
#pragma once

#include <string>
#include <vector>

#include <weir/base.hpp>

namespace weir {

struct Listen;  // server.hpp

// How to secure a connection in place, for Connection::start_tls. Files are PEM; they are read when
// first needed and again when they have changed. What is not said here is as for tls:// in a URL.
struct TlsOptions {
  enum class Role : std::uint8_t { server, client };

  Role role = Role::server;
  std::string certificate;  // The leaf and then its chain; required for a server.
  std::string key;          // Readable by its owner only; empty: in the certificate's file.
  std::string passphrase;   // A file whose first line opens an encrypted key.
  // Whom to trust. Empty: for a client the system's authorities, for a server nobody, so that it asks
  // for no certificate.
  std::string ca;
  std::string crl;                // Who of them is trusted no more.
  std::string server_name;        // SNI and the name that is checked, for a client.
  std::vector<std::string> alpn;  // In order of preference.
  // A client always should. A server with a `ca` asks for a certificate and, if this is false, takes
  // who has none.
  bool verify_peer = true;
};

// Reads the files and throws SetupError as start_tls() would: for a service to call before it accepts.
WEIR_API void check(const TlsOptions& options);

// What a handshake agreed on. What the peer sent is escaped.
struct TlsInfo {
  std::string version;  // "TLSv1.3"
  std::string cipher;
  std::string server_name;  // SNI as the client sent it.
  std::string alpn;
  std::string peer_certificate;  // Subject, as RFC 2253 writes it; empty without one.
  bool resumed = false;
  std::string failure;  // Why there is no TLS, or no more; one sentence. Empty while all is well.
};

// What a service's certificates are, a line each with the expiry, and what is doubtful about them.
struct CertificateLines {
  std::vector<std::string> certificates;
  std::vector<std::string> warnings;
};

// Reads the files. Throws SetupError as Server::listen() would.
WEIR_API CertificateLines certificates(const Listen& service);

}  // namespace weir
