#include "own_socket.hpp"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "platform.hpp"
#include "sockaddr.hpp"

namespace weir {

int socket_error(int socket) {
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) < 0) return errno;
  return error;
}

IoResult OwnSocket::receive(std::span<std::byte> into) {
  const ssize_t got = ::recv(socket_, into.data(), into.size(), 0);
  return got < 0 ? -errno : got;
}

IoResult OwnSocket::send(const iovec* pieces, int count) {
  ssize_t sent = 0;
  if (count == 1) {
    sent = ::send(socket_, pieces->iov_base, pieces->iov_len, MSG_NOSIGNAL);
  } else {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(pieces);
    message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count);
    sent = ::sendmsg(socket_, &message, MSG_NOSIGNAL);
  }
  return sent < 0 ? -errno : sent;
}

IoResult OwnSocket::splice_in(Pipe& pipe) { return platform::splice_in(socket_, pipe); }
IoResult OwnSocket::splice_out(Pipe& pipe) { return platform::splice_out(socket_, pipe); }

int OwnSocket::shut_down() { return ::shutdown(socket_, SHUT_WR) < 0 ? -errno : 0; }

int OwnSocket::error() { return socket_error(socket_); }

std::optional<std::uint32_t> OwnSocket::unacknowledged() {
  return platform::unacknowledged(socket_);
}

Address OwnSocket::local() const {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length) < 0) return {};
  if (address.ss_family == AF_UNIX) return Address::local();
  return from_sockaddr(reinterpret_cast<const sockaddr*>(&address), length);
}

std::string OwnSocket::local_path() const {
  sockaddr_un address{};
  socklen_t length = sizeof address;
  const bool known = ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length) == 0 &&
                     address.sun_family == AF_UNIX && length > offsetof(sockaddr_un, sun_path);
  return known ? std::string(address.sun_path, ::strnlen(address.sun_path, sizeof address.sun_path))
               : std::string();
}

int OwnSocket::take() { return std::exchange(socket_, -1); }

void OwnSocket::close_socket(bool reset) {
  const int socket = take();
  if (reset) {
    const linger now{1, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  ::close(socket);
}

}  // namespace weir
