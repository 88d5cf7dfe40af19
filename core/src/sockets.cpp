#include "sockets.hpp"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "platform.hpp"
#include "sockaddr.hpp"
#include "socket_options.hpp"
#include "url_query.hpp"

namespace weir {

namespace {

struct Target {
  sockaddr_storage address{};
  socklen_t length = 0;
};

Target target_of(const Url& url, const Address& address) {
  Target target;
  if (!url.is_unix()) {
    target.length = to_sockaddr(address, target.address);
    return target;
  }
  auto& path = reinterpret_cast<sockaddr_un&>(target.address);
  path.sun_family = AF_UNIX;
  std::memcpy(path.sun_path, url.path().c_str(), url.path().size() + 1);
  target.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + url.path().size() + 1);
  return target;
}

// Binds to the address that the URL names as the source; the port is chosen when connecting. 0 or errno.
int bind_source(int socket, const Url& url) {
  if (!url.value("source")) return 0;
  const auto source = socket_settings(url).source;
  sockaddr_storage address{};
  const socklen_t length = to_sockaddr(*source, address);
  platform::choose_port_late(socket);
  return ::bind(socket, reinterpret_cast<const sockaddr*>(&address), length) == 0 ? 0 : errno;
}

// 0, EINPROGRESS or what went wrong. On one machine the other end has mostly answered by the time that
// connect() returns, though it says otherwise; asking again is less than waiting for the news.
int connect_at_once(int socket, const Target& target) {
  const auto* const to = reinterpret_cast<const sockaddr*>(&target.address);
  if (::connect(socket, to, target.length) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  if (::connect(socket, to, target.length) == 0 || errno == EISCONN) return 0;
  return errno == EALREADY ? EINPROGRESS : errno;
}

}  // namespace

OwnListenSocket::OwnListenSocket(Reactor& reactor, int socket, ListenOwner& owner)
    : watch_(std::make_unique<Watch>(
          reactor, socket, [](void* told) { static_cast<ListenOwner*>(told)->on_acceptable(); },
          &owner)),
      socket_(socket) {}

OwnListenSocket::~OwnListenSocket() {
  watch_.reset();
  ::close(socket_);
}

Accepted OwnListenSocket::accept() { return platform::accept_one(socket_); }

void OwnListenSocket::want(bool acceptable) {
  watch_->want(acceptable ? ready::kRead : ready::kNothing);
}

void OwnListenSocket::discard(int socket) { ::close(socket); }

OwnDial::~OwnDial() {
  watch_.reset();
  if (socket_ >= 0) ::close(socket_);
}

DialResult OwnDial::begin(Reactor& reactor, const Url& url, const Address& address,
                          DialOwner& owner) {
  const Target target = target_of(url, address);
  const int socket = platform::open_socket(target.address.ss_family, SOCK_STREAM);
  if (socket < 0) return {nullptr, -socket};
  apply_socket_options(socket, url);
  int error = url.is_unix() ? 0 : bind_source(socket, url);
  if (error == 0) error = connect_at_once(socket, target);
  if (error != 0 && error != EINPROGRESS) {
    ::close(socket);
    return {nullptr, error};
  }
  std::unique_ptr<OwnDial> dial(new OwnDial(socket, owner));
  if (error == EINPROGRESS) {
    dial->watch_ = std::make_unique<Watch>(
        reactor, socket, [](void* told) { static_cast<OwnDial*>(told)->on_ready(); }, dial.get());
    dial->watch_->want(ready::kWrite);
  }
  return {std::move(dial), 0, error == 0};
}

void OwnDial::on_ready() {
  const int error = socket_error(socket_);
  watch_.reset();
  if (error != 0) {
    ::close(std::exchange(socket_, -1));
    return owner_.on_dialled(-error);
  }
  owner_.on_dialled(std::exchange(socket_, -1));
}

}  // namespace weir
