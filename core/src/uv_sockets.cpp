#include "uv_sockets.hpp"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "connection_core.hpp"
#include "platform.hpp"
#include "sockaddr.hpp"
#include "socket_options.hpp"

namespace weir {

namespace {

int socket_error(int socket) {
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) < 0) return errno;
  return error;
}

// The handle must be closed before its descriptor, and freed only when libuv is done with it.
void close_and_free(uv_poll_t* poll) {
  uv_close(reinterpret_cast<uv_handle_t*>(poll),
           [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
}

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

}  // namespace

UvStream::UvStream(uv_loop_t& on, int socket) {
  uv_poll_init(&on, this, socket);
  keep(socket, 0);
}

ConnectionCore& UvStream::owner() { return *(reinterpret_cast<ConnectionCore*>(this) - 1); }

IoResult UvStream::receive(std::span<std::byte> into) {
  const ssize_t got = ::recv(socket(), into.data(), into.size(), 0);
  return got < 0 ? -errno : got;
}

IoResult UvStream::send(const iovec* pieces, int count) {
  ssize_t sent = 0;
  if (count == 1) {
    sent = ::send(socket(), pieces->iov_base, pieces->iov_len, MSG_NOSIGNAL);
  } else {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(pieces);
    message.msg_iovlen = static_cast<decltype(message.msg_iovlen)>(count);
    sent = ::sendmsg(socket(), &message, MSG_NOSIGNAL);
  }
  return sent < 0 ? -errno : sent;
}

IoResult UvStream::splice_in(Pipe& pipe) { return platform::splice_in(socket(), pipe); }
IoResult UvStream::splice_out(Pipe& pipe) { return platform::splice_out(socket(), pipe); }

int UvStream::shut_down() { return ::shutdown(socket(), SHUT_WR) < 0 ? -errno : 0; }

int UvStream::error() { return socket_error(socket()); }

std::optional<std::uint32_t> UvStream::unacknowledged() {
  return platform::unacknowledged(socket());
}

void UvStream::want(unsigned what) {
  int mask = 0;
  if ((what & ready::kRead) != 0) mask |= UV_READABLE;
  if ((what & ready::kWrite) != 0) mask |= UV_WRITABLE;
  if (mask == 0) mask = UV_PRIORITIZED;
  if (mask == this->mask()) return;
  keep(socket(), mask);
  uv_poll_start(this, mask, on_poll);
}

void UvStream::on_poll(uv_poll_t* handle, int status, int events) {
  if (status == 0 && events == UV_READABLE) {
    return static_cast<UvStream*>(handle)->owner().on_ready(ready::kRead);
  }
  static_cast<UvStream*>(handle)->on_event(status, events);
}

void UvStream::on_event(int status, int events) {
  unsigned what = 0;
  if (status < 0) {
    what = ready::kRead | ready::kError;
  } else {
    if ((events & UV_READABLE) != 0) what |= ready::kRead;
    if ((events & UV_WRITABLE) != 0) what |= ready::kWrite;
    if ((events & UV_PRIORITIZED) != 0) what |= ready::kError;
  }
  owner().on_ready(what);
  if (uv_is_closing(handle()) != 0) return;
  if (status < 0) {  // There was more to read before the error.
    uv_poll_start(this, mask(), on_poll);
  } else if ((events & UV_PRIORITIZED) != 0 && mask() == UV_PRIORITIZED) {
    uv_poll_stop(this);  // Hung up without an error: it would be told again in every turn.
    keep(socket(), 0);
  }
}

void UvStream::close_handle() {
  uv_close(handle(), [](uv_handle_t* closed) {
    static_cast<UvStream*>(reinterpret_cast<uv_poll_t*>(closed))->owner().on_stream_gone();
  });
}

void UvStream::close(bool reset) {
  if (reset) {
    const linger now{1, 0};
    ::setsockopt(socket(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  close_handle();
  ::close(socket());
}

int UvStream::release() {
  close_handle();
  return socket();
}

Address UvStream::local() const {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getsockname(socket(), reinterpret_cast<sockaddr*>(&address), &length) < 0) return {};
  if (address.ss_family == AF_UNIX) return Address::local();
  return from_sockaddr(reinterpret_cast<const sockaddr*>(&address), length);
}

std::string UvStream::local_path() const {
  sockaddr_un address{};
  socklen_t length = sizeof address;
  const bool known = ::getsockname(socket(), reinterpret_cast<sockaddr*>(&address), &length) == 0 &&
                     address.sun_family == AF_UNIX && length > offsetof(sockaddr_un, sun_path);
  return known ? std::string(address.sun_path, ::strnlen(address.sun_path, sizeof address.sun_path))
               : std::string();
}

UvListenSocket::UvListenSocket(uv_loop_t& loop, int socket, ListenOwner& owner)
    : poll_(new uv_poll_t), socket_(socket) {
  uv_poll_init(&loop, poll_, socket);
  poll_->data = &owner;
}

UvListenSocket::~UvListenSocket() {
  close_and_free(poll_);
  ::close(socket_);
}

Accepted UvListenSocket::accept() { return platform::accept_one(socket_); }

void UvListenSocket::want(bool acceptable) {
  if (!acceptable) {
    uv_poll_stop(poll_);
    return;
  }
  uv_poll_start(poll_, UV_READABLE, [](uv_poll_t* handle, int, int) {
    static_cast<ListenOwner*>(handle->data)->on_acceptable();
  });
}

void UvListenSocket::discard(int socket) { ::close(socket); }

namespace {

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

void UvDial::wait(uv_loop_t& loop) {
  poll_ = new uv_poll_t;
  uv_poll_init(&loop, poll_, socket_);
  poll_->data = this;
  uv_poll_start(poll_, UV_WRITABLE, on_poll);
}

UvDial::~UvDial() {
  if (poll_ != nullptr) close_and_free(poll_);
  if (socket_ >= 0) ::close(socket_);
}

DialResult UvDial::begin(uv_loop_t& loop, const Url& url, const Address& address,
                         DialOwner& owner) {
  const Target target = target_of(url, address);
  const int socket = platform::open_socket(target.address.ss_family, SOCK_STREAM);
  if (socket < 0) return {nullptr, -socket};
  apply_socket_options(socket, url);
  const int error = connect_at_once(socket, target);
  if (error != 0 && error != EINPROGRESS) {
    ::close(socket);
    return {nullptr, error};
  }
  std::unique_ptr<UvDial> dial(new UvDial(socket, owner));
  if (error == EINPROGRESS) dial->wait(loop);
  return {std::move(dial), 0, error == 0};
}

void UvDial::on_poll(uv_poll_t* handle, int, int) {
  auto& self = *static_cast<UvDial*>(handle->data);
  const int error = socket_error(self.socket_);
  close_and_free(std::exchange(self.poll_, nullptr));
  if (error != 0) {
    ::close(std::exchange(self.socket_, -1));
    return self.owner_.on_dialled(-error);
  }
  self.owner_.on_dialled(std::exchange(self.socket_, -1));
}

}  // namespace weir
