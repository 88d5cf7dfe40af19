#include "platform.hpp"

#include <algorithm>
#include <cerrno>

#include <csignal>

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sockaddr.hpp"

namespace weir::platform {

namespace {

// As large as an unprivileged process may have one: measured against 256 KiB and the default of 64 KiB,
// it halves the cost of a stream.
constexpr int kPipeSize = 1 << 20;
constexpr int kPipeLeast = 256 << 10;  // A smaller one costs more than copying.

class SplicePipe final : public Pipe {
 public:
  SplicePipe() = default;
  SplicePipe(const SplicePipe&) = delete;
  SplicePipe& operator=(const SplicePipe&) = delete;
  ~SplicePipe() override {
    if (read_end_ >= 0) ::close(read_end_);
    if (write_end_ >= 0) ::close(write_end_);
  }

  bool open() {
    int ends[2];
    if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0) return false;
    read_end_ = ends[0];
    write_end_ = ends[1];
    // Beyond the user's share (pipe-user-pages-soft) growing fails, and fresh pipes are tiny.
    ::fcntl(write_end_, F_SETPIPE_SZ, kPipeSize);
    const int size = ::fcntl(write_end_, F_GETPIPE_SZ);
    capacity_ = static_cast<std::size_t>(std::max(size, 0));
    return size >= kPipeLeast;
  }

  std::size_t held() const override { return held_; }

  IoResult take_back(std::span<std::byte> into) override {
    const ssize_t got = ::read(read_end_, into.data(), into.size());
    if (got < 0) return -errno;
    held_ -= static_cast<std::size_t>(got);
    return got;
  }

  IoResult fill_from(int socket) {
    const ssize_t got = ::splice(socket, nullptr, write_end_, nullptr, capacity_,
                                 SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (got < 0) return -errno;
    held_ += static_cast<std::size_t>(got);
    return got;
  }

  IoResult drain_to(int socket) {
    const ssize_t sent =
        ::splice(read_end_, nullptr, socket, nullptr, held_, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (sent < 0) return -errno;
    held_ -= static_cast<std::size_t>(sent);
    return sent;
  }

 private:
  int read_end_ = -1;
  int write_end_ = -1;
  std::size_t capacity_ = 0;
  std::size_t held_ = 0;
};

// splice() has no way to say MSG_NOSIGNAL.
bool pipe_signal_kills() {
  struct sigaction action {};
  sigset_t blocked{};
  if (::sigaction(SIGPIPE, nullptr, &action) < 0 || action.sa_handler != SIG_DFL) return false;
  return ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked) != 0 || !sigismember(&blocked, SIGPIPE);
}

}  // namespace

int open_socket(int family, int type) {
  const int socket = ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return socket < 0 ? -errno : socket;
}

void choose_port_late(int socket) {
  const int on = 1;
  ::setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);  // IPv6 sockets, too.
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

std::optional<std::uint32_t> unacknowledged(int socket) {
  int bytes = 0;
  if (::ioctl(socket, SIOCOUTQ, &bytes) < 0) return {};
  return static_cast<std::uint32_t>(bytes);
}

std::unique_ptr<Pipe> make_pipe() {
  if (pipe_signal_kills()) return nullptr;
  auto pipe = std::make_unique<SplicePipe>();
  if (!pipe->open()) return nullptr;
  return pipe;
}

IoResult splice_in(int socket, Pipe& pipe) {
  return static_cast<SplicePipe&>(pipe).fill_from(socket);
}

IoResult splice_out(int socket, Pipe& pipe) {
  return static_cast<SplicePipe&>(pipe).drain_to(socket);
}

std::optional<Credentials> peer_credentials(int socket) {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0) return {};
  return Credentials{credentials.pid, credentials.uid, credentials.gid};
}

}  // namespace weir::platform
