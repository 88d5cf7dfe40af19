#include "platform.hpp"

#include <cerrno>

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "sockaddr.hpp"

namespace weir::platform {

int open_socket(int family, int type) {
  const int socket = ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return socket < 0 ? -errno : socket;
}

Accepted accept_one(int listener) {
  sockaddr_storage from{};
  socklen_t length = sizeof from;
  const int socket = ::accept4(listener, reinterpret_cast<sockaddr*>(&from), &length,
                               SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (socket < 0) return {-errno, {}};
  if (from.ss_family == AF_UNIX) return {socket, Address::local(peer_credentials(socket))};
  return {socket, from_sockaddr(reinterpret_cast<const sockaddr*>(&from), length)};
}

// The socket's own mode, less the umask, becomes the node's: no window, and no process-wide umask.
int bind_unix(int socket, const sockaddr* address, socklen_t length, mode_t mode) {
  if (::fchmod(socket, mode) < 0) return -errno;
  return ::bind(socket, address, length) < 0 ? -errno : 0;
}

bool all_acknowledged(int socket) {
  int unacknowledged = 0;
  return ::ioctl(socket, SIOCOUTQ, &unacknowledged) == 0 && unacknowledged == 0;
}

std::optional<Credentials> peer_credentials(int socket) {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0) return {};
  return Credentials{credentials.pid, credentials.uid, credentials.gid};
}

}  // namespace weir::platform
