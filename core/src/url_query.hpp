// What the query keys of a URL say about its socket.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include <weir/url.hpp>

namespace weir {

struct Keepalive {
  bool on = false;
  int idle = 0;      // Seconds of silence before the first probe.
  int interval = 0;  // Seconds between probes; 0: the system's.
  int count = 0;     // Probes without answer; 0: the system's.
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
  std::optional<std::string> cert;
  std::optional<std::string> key;
};

// The rest of a sentence about the URL, such as "has an unknown query key ...", or nothing if key
// and value are good for the scheme; then the settings hold the value.
std::optional<std::string> apply_query(Url::Scheme scheme, const Url::Query& query,
                                       SocketSettings& settings);

WEIR_API SocketSettings socket_settings(const Url& url);

// "tcp", "unix", ...
std::string_view scheme_name(Url::Scheme scheme);

}  // namespace weir
