#include "platform.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sockaddr.hpp"

namespace weir::platform {

namespace {

// Two calls where Linux needs none; a fork between them would leak the descriptor.
int prepared(int socket) {
  if (socket < 0) return -errno;
  if (::fcntl(socket, F_SETFD, FD_CLOEXEC) < 0 || ::fcntl(socket, F_SETFL, O_NONBLOCK) < 0) {
    const int error = errno;
    ::close(socket);
    return -error;
  }
  return socket;
}

}  // namespace

int open_socket(int family, int type) { return prepared(::socket(family, type, 0)); }

void choose_port_late(int) {}

Accepted accept_one(int listener) {
  sockaddr_storage from{};
  socklen_t length = sizeof from;
  const int socket = prepared(::accept(listener, reinterpret_cast<sockaddr*>(&from), &length));
  if (socket < 0) return {socket, {}};
  if (from.ss_family == AF_UNIX || length == 0) return {socket, Address::local()};
  return {socket, from_sockaddr(reinterpret_cast<const sockaddr*>(&from), length)};
}

// The umask is the process's: listeners are bound before other threads make files.
int bind_unix(int socket, const sockaddr* address, socklen_t length, mode_t mode) {
  const mode_t before = ::umask(static_cast<mode_t>(~mode & 0777));
  const int result = ::bind(socket, address, length);
  const int error = errno;
  ::umask(before);
  return result < 0 ? -error : 0;
}

std::optional<std::uint32_t> unacknowledged(int) { return {}; }

std::optional<Credentials> peer_credentials(int) { return {}; }

// Bytes are copied: there is no call in POSIX that moves them between sockets.
std::unique_ptr<Pipe> make_pipe() { return nullptr; }
IoResult splice_in(int, Pipe&) { return -ENOSYS; }
IoResult splice_out(int, Pipe&) { return -ENOSYS; }

}  // namespace weir::platform
