// What the query keys of a URL say about its socket.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include <weir/address.hpp>
#include <weir/url.hpp>

namespace weir {

struct Keepalive {
  bool on = false;
  int idle = 0;      // Seconds of silence before the first probe.
  int interval = 0;  // Seconds between probes; 0: the system's.
  int count = 0;     // Probes without answer; 0: the system's.
};

// What tls:// and tls+unix:// take. Whether a key is for listening or for dialling, and what the
// files hold, is for who opens them to say.
struct TlsSettings {
  std::vector<std::string> cert;  // These two in pairs, in the order of writing.
  std::vector<std::string> key;
  std::optional<std::string> passphrase;
  std::optional<std::string> crl;
  std::vector<std::string> alpn;
  std::optional<std::string> tls_min;  // "1.2" or "1.3".
  std::optional<std::string> ciphers;
  std::optional<std::string> suites;
  std::optional<std::string> groups;

  std::optional<std::string> client_ca;  // From here on for listening.
  std::optional<std::string> client_cert;
  std::optional<bool> tickets;
  std::optional<std::string> expired;

  std::optional<std::string> ca;  // And from here on for dialling.
  std::optional<std::string> name;
  std::optional<bool> verify;
};

// Nothing where the URL says nothing.
struct SocketSettings {
  std::optional<int> backlog;
  std::optional<bool> nodelay;
  std::optional<bool> broadcast;
  std::optional<Keepalive> keepalive;
  std::optional<int> rcvbuf;  // Bytes.
  std::optional<int> sndbuf;
  std::optional<int> ttl;
  std::optional<mode_t> mode;        // Of a Unix socket's node.
  std::optional<std::string> group;  // The same, by name or number.
  std::optional<std::string> iface;
  std::optional<Address> source;  // To dial from, with any port.
  TlsSettings tls;
};

// The rest of a sentence about the URL, such as "has an unknown query key ...", or nothing if key
// and value are good for the scheme; then the settings hold the value.
std::optional<std::string> apply_query(Url::Scheme scheme, const Url::Query& query,
                                       SocketSettings& settings);

// Whether a URL may hold the key more than once.
bool is_repeatable(std::string_view key);

bool is_tls_key(std::string_view key);  // Says something of TLS, and nothing of the socket.

WEIR_API SocketSettings socket_settings(const Url& url);

// "tcp", "unix", ...
std::string_view scheme_name(Url::Scheme scheme);

}  // namespace weir
