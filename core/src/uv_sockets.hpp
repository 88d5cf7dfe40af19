// Sockets of our own under uv_poll_t: libuv tells when, recv, send and accept are called here.
//
// Three habits of uv_poll_t shape this. Every start is a DEL and an ADD in epoll, so the mask is
// remembered and changed only when it must. An error arrives as status EBADF with the handle already
// stopped, while unread data and the true error are still in the socket. And with an empty mask a
// handle hears nothing, so a stream that wants nothing waits for urgent data instead, which brings
// errors and hang-ups along.
#pragma once

#include <bit>
#include <utility>

#include <uv.h>

#include "driver.hpp"

namespace weir {

// Is its own handle. Its owner stands right before it in memory, so the handle's data has room for the
// descriptor and the mask: a connection pays for neither.
class UvStream final : public SocketStream, private uv_poll_t {
 public:
  UvStream(uv_loop_t& on, int socket);

  IoResult receive(std::span<std::byte> into) override;
  IoResult send(const iovec* pieces, int count) override;
  IoResult splice_in(Pipe& pipe) override;
  IoResult splice_out(Pipe& pipe) override;
  int shut_down() override;
  int error() override;
  std::optional<std::uint32_t> unacknowledged() override;
  void want(unsigned what) override;
  void close(bool reset) override;
  int release() override;
  Address local() const override;
  std::string local_path() const override;

 private:
  static void on_poll(uv_poll_t* handle, int status, int events);
  void on_event(int status, int events);
  void close_handle();

  uv_handle_t* handle() { return reinterpret_cast<uv_handle_t*>(static_cast<uv_poll_t*>(this)); }
  ConnectionCore& owner();
  int socket() const { return static_cast<int>(std::bit_cast<std::uintptr_t>(data) >> 8); }
  int mask() const { return static_cast<int>(std::bit_cast<std::uintptr_t>(data) & 0xff); }
  void keep(int socket, int mask) {
    data = std::bit_cast<void*>(std::uintptr_t{static_cast<unsigned>(socket)} << 8 |
                                static_cast<unsigned>(mask));
  }
};

class UvListenSocket final : public ListenSocket {
 public:
  UvListenSocket(uv_loop_t& loop, int socket, ListenOwner& owner);
  ~UvListenSocket() override;
  Accepted accept() override;
  void want(bool acceptable) override;
  void discard(int socket) override;

 private:
  uv_poll_t* poll_;  // Freed by its close callback.
  int socket_;
};

class UvDial final : public Dial {
 public:
  static DialResult begin(uv_loop_t& loop, const Url& url, const Address& address,
                          DialOwner& owner);
  ~UvDial() override;
  int take() override { return std::exchange(socket_, -1); }

 private:
  UvDial(int socket, DialOwner& owner) : owner_(owner), socket_(socket) {}
  void wait(uv_loop_t& loop);
  static void on_poll(uv_poll_t* handle, int status, int events);

  DialOwner& owner_;
  int socket_;
  uv_poll_t* poll_ = nullptr;  // While it waits; freed by its close callback.
};

}  // namespace weir
