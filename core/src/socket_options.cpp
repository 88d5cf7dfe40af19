#include "socket_options.hpp"

#include <cerrno>
#include <system_error>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "url_query.hpp"

namespace weir {

namespace {

bool set(int socket, int level, int name, int value) {
  return ::setsockopt(socket, level, name, &value, sizeof value) == 0;
}

constexpr Keepalive kKeepalive{.on = true, .idle = 60, .interval = 10, .count = 3};

bool set_keepalive(int socket, const Keepalive& keepalive) {
  bool good = set(socket, SOL_SOCKET, SO_KEEPALIVE, keepalive.on ? 1 : 0);
  if (!keepalive.on) return good;
#ifdef TCP_KEEPIDLE
  good = good && set(socket, IPPROTO_TCP, TCP_KEEPIDLE, keepalive.idle);
#elif defined(TCP_KEEPALIVE)
  good = good && set(socket, IPPROTO_TCP, TCP_KEEPALIVE, keepalive.idle);
#endif
#ifdef TCP_KEEPINTVL
  if (keepalive.interval > 0) {
    good = good && set(socket, IPPROTO_TCP, TCP_KEEPINTVL, keepalive.interval);
  }
  if (keepalive.count > 0) {
    good = good && set(socket, IPPROTO_TCP, TCP_KEEPCNT, keepalive.count);
  }
#endif
  return good;
}

std::string failed(std::string_view key) {
  return std::string(key) + ": " + std::generic_category().message(errno);
}

}  // namespace

std::string apply_socket_options(int socket, const Url& url) {
  const SocketSettings settings = socket_settings(url);
  if (settings.rcvbuf && !set(socket, SOL_SOCKET, SO_RCVBUF, *settings.rcvbuf)) {
    return failed("rcvbuf");
  }
  if (settings.sndbuf && !set(socket, SOL_SOCKET, SO_SNDBUF, *settings.sndbuf)) {
    return failed("sndbuf");
  }
  if (url.is_unix()) return {};
  if (!set(socket, IPPROTO_TCP, TCP_NODELAY, settings.nodelay.value_or(true) ? 1 : 0)) {
    return failed("nodelay");
  }
  if (!set_keepalive(socket, settings.keepalive.value_or(kKeepalive))) return failed("keepalive");
  return {};
}

int backlog_of(const Url& url) { return socket_settings(url).backlog.value_or(SOMAXCONN); }

}  // namespace weir
