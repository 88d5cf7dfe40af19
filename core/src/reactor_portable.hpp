// Waiting through libuv alone: kqueue on macOS and the BSDs, epoll where Linux runs the portable build.
//
// Two habits of uv_poll_t shape the streams. An error arrives as status EBADF with the handle already
// stopped, while unread data and the true error are still in the socket. And with an empty mask a
// handle hears nothing, so a stream that wants nothing waits for urgent data instead, which brings
// errors and hang-ups along.
#pragma once

#include <uv.h>

#include "own_socket.hpp"

namespace weir {

class WEIR_API Reactor {
 public:
  explicit Reactor(uv_loop_t& loop);
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  void attach(DriverOwner* owner) { owner_ = owner; }
  void wake() { uv_async_send(&wake_); }
  void set_alarm(SteadyTime at);
  void clear_alarm() { uv_timer_stop(&alarm_); }
  void run() { uv_run(&loop_, UV_RUN_DEFAULT); }
  void stop() { uv_stop(&loop_); }
  void finish();
  void libuv_has_more() {}

  SteadyTime now() const;

 private:
  friend class ReactorStream;
  friend class Watch;

  void turn_end();

  uv_loop_t& loop_;
  DriverOwner* owner_ = nullptr;
  uv_async_t wake_{};
  uv_timer_t alarm_{};
  uv_prepare_t prepare_{};
  uv_idle_t idle_{};  // Active while there is more to do, so that poll does not block.
};

// Whoever waits for a socket now and then: a listener, a dial. The socket outlives it.
class WEIR_API Watch {
 public:
  using Told = void (*)(void* about);  // Ready, or an error. May destroy the watch.

  Watch(Reactor& reactor, int socket, Told told, void* about);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  void want(unsigned what);  // kNothing: not even errors.

 private:
  static void on_poll(uv_poll_t* handle, int status, int events);

  const Told told_;
  void* const about_;
  uv_poll_t* poll_;  // Freed by its close callback.
};

// Is its own handle. Its owner stands right before it in memory.
class ReactorStream final : public OwnSocket, private uv_poll_t {
 public:
  ReactorStream(Reactor& reactor, int socket);
  void want(unsigned what) override;
  void close(bool reset) override;
  int release() override;

 private:
  static void on_poll(uv_poll_t* handle, int status, int events);
  void on_event(int status, int events);
  void close_handle();

  uv_handle_t* handle() { return reinterpret_cast<uv_handle_t*>(static_cast<uv_poll_t*>(this)); }
  ConnectionCore& owner();

  // Every start is a DEL and an ADD in epoll, so the mask is remembered and changed only when it must.
  int mask_ = 0;
};

}  // namespace weir
