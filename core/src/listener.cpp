#include "listener.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/address.hpp>
#include <weir/text.hpp>

#include "platform.hpp"
#include "sockaddr.hpp"
#include "socket_options.hpp"

namespace weir {

namespace {

SetupError::Kind kind_of(int error) {
  switch (error) {
    case EADDRINUSE:
    case EADDRNOTAVAIL:
      return SetupError::Kind::unavailable;
    case EACCES:
    case EPERM:
      return SetupError::Kind::permission;
    case ENOENT:
    case ENOTDIR:
    case ENOSPC:
    case EROFS:
      return SetupError::Kind::creation;
    default:
      return SetupError::Kind::system;
  }
}

struct Target {
  sockaddr_storage address{};
  socklen_t length = 0;
  bool dual_stack = false;
};

Target target_of(const Address& address) {
  Target target;
  target.length = to_sockaddr(address, target.address);
  return target;
}

void add_once(std::vector<Target>& targets, const Target& target) {
  const auto same = [&](const Target& other) {
    return other.length == target.length &&
           std::memcmp(&other.address, &target.address, target.length) == 0;
  };
  if (std::none_of(targets.begin(), targets.end(), same)) targets.push_back(target);
}

std::vector<Target> look_up(const Url& url) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int result =
      ::getaddrinfo(url.host().c_str(), std::to_string(url.port()).c_str(), &hints, &found);
  if (result != 0) {
    throw SetupError("cannot listen on " + escape(url.text()) + ": " + ::gai_strerror(result),
                     SetupError::Kind::unresolved);
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, ::freeaddrinfo);
  std::vector<Target> targets;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    Target target;
    std::memcpy(&target.address, at->ai_addr, at->ai_addrlen);
    target.length = at->ai_addrlen;
    add_once(targets, target);
  }
  return targets;
}

std::vector<Target> targets_of(const Url& url) {
  if (url.host() == "*") {
    Target every = target_of(Address::ipv6({}, url.port()));
    every.dual_stack = true;
    return {every};
  }
  const std::string host = url.host().empty() ? "127.0.0.1" : url.host();
  if (const auto address = Address::parse(host, url.port())) return {target_of(*address)};
  return look_up(url);
}

void set_port(Target& target, std::uint16_t port) {
  auto& field = target.address.ss_family == AF_INET
                    ? reinterpret_cast<sockaddr_in&>(target.address).sin_port
                    : reinterpret_cast<sockaddr_in6&>(target.address).sin6_port;
  field = htons(port);
}

Address address_of(int socket) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length);
  return from_sockaddr(reinterpret_cast<const sockaddr*>(&address), length);
}

BoundSocket bind_tcp(const Url& url, const Target& target) {
  const int family = target.address.ss_family;
  const int socket = platform::open_socket(family, SOCK_STREAM);
  if (socket < 0) cannot_listen(url, -socket);
  BoundSocket bound(socket, url);
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (family == AF_INET6) {
    const int only = target.dual_stack ? 0 : 1;
    ::setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
  }
  const std::string fault = apply_socket_options(socket, url);
  if (!fault.empty()) cannot_listen(url, errno, fault);
  const auto* const address = reinterpret_cast<const sockaddr*>(&target.address);
  if (::bind(socket, address, target.length) < 0) cannot_listen(url, errno);
  if (::listen(socket, backlog_of(url)) < 0) cannot_listen(url, errno);
  return {bound.take(), url.with_port(address_of(socket).port())};
}

bool no_ipv6() {
  const int socket = platform::open_socket(AF_INET6, SOCK_STREAM);
  if (socket >= 0) ::close(socket);
  return socket == -EAFNOSUPPORT;
}

}  // namespace

void cannot_listen(const Url& url, int error, std::string_view what) {
  const std::string reason =
      what.empty() ? std::generic_category().message(error) : std::string(what);
  throw SetupError("cannot listen on " + escape(url.text()) + ": " + reason, kind_of(error));
}

BoundSocket::BoundSocket(BoundSocket&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      url_(std::move(other.url_)),
      device_(other.device_),
      inode_(std::exchange(other.inode_, 0)) {}

BoundSocket::~BoundSocket() {
  struct stat node {};
  const bool ours = inode_ != 0 && ::lstat(url_.path().c_str(), &node) == 0 &&
                    node.st_ino == inode_ && node.st_dev == device_;
  if (ours) ::unlink(url_.path().c_str());
  if (socket_ >= 0) ::close(socket_);
}

Url BoundSocket::place() const {
  if (url_.is_unix() || url_.host() == "*") return url_;
  const std::string text = address_of(socket_).text();  // "127.0.0.1:80" or "[::1]:80".
  const bool bracketed = text.starts_with('[');
  const std::size_t begin = bracketed ? 1 : 0;
  return url_.with_host(text.substr(begin, text.find(bracketed ? ']' : ':') - begin));
}

int BoundSocket::take() { return std::exchange(socket_, -1); }

void BoundSocket::owns_node() {
  struct stat node {};
  if (::lstat(url_.path().c_str(), &node) < 0) return;
  device_ = node.st_dev;
  inode_ = node.st_ino;
}

void check_listenable(const Url& url) {
  if (url.value("source")) {
    throw SetupError("cannot listen on " + escape(url.text()) +
                     ": the query key source is for dialling");
  }
  if (url.is_tls() || url.scheme() == Url::Scheme::tcp) return;
  if (url.scheme() == Url::Scheme::unix_stream) return;
  throw SetupError("cannot listen on " + escape(url.text()) +
                   ": this build listens on tcp://, tls://, unix:// and tls+unix:// only");
}

std::vector<BoundSocket> bind_url(const Url& url) {
  std::vector<BoundSocket> bound;
  check_listenable(url);
  if (url.scheme() == Url::Scheme::unix_stream || url.scheme() == Url::Scheme::tls_unix) {
    bound.push_back(bind_unix_url(url));
    return bound;
  }
  std::uint16_t port = url.port();  // Of 0, all addresses of a name share the one chosen first.
  for (const Target& target : targets_of(url)) {
    const bool instead = target.dual_stack && no_ipv6();
    Target use = instead ? target_of(Address::ipv4({}, port)) : target;
    set_port(use, port);
    bound.push_back(bind_tcp(url, use));
    if (url.port() == 0) port = bound.back().url().port();
  }
  return bound;
}

}  // namespace weir
