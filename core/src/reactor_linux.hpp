// Waiting on Linux: an epoll of our own, and libuv's loop is one of the descriptors in it.
//
// One rule keeps events from reaching who is gone: of those that epoll_wait() returned together, each may
// close what a later one is about. A stream lives until all of them are through, and knows that it was
// closed; a watch takes what is left about it out.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include <sys/epoll.h>
#include <uv.h>

#include "own_socket.hpp"

namespace weir {

class ReactorStream;

class WEIR_API Reactor {
 public:
  explicit Reactor(uv_loop_t& loop);  // Throws SetupError if the system has no room for it.
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  void attach(DriverOwner* owner) { owner_ = owner; }
  void wake();
  void set_alarm(SteadyTime at);
  void clear_alarm() { armed_ = false; }
  void run();
  void stop() { stopped_ = true; }
  void finish();  // Tells the owners of streams that are gone; closes what libuv knows of.
  void libuv_has_more() { libuv_has_more_ = true; }  // News, or descriptors: it is to poll.

  SteadyTime now() const;

 private:
  friend class ReactorStream;
  friend class Watch;

  // Throws std::bad_alloc where the kernel has no memory, or no watch, left.
  void control(int operation, int socket, std::uint32_t events, std::uint64_t about);
  void drop(int socket);
  void forget(std::uint64_t about);  // No event that is still to be told is about it.
  void gone(ReactorStream& stream);

  void wait(int timeout);
  void tell(const epoll_event& event);
  void tell_special(std::uint64_t about);
  void tell_alarm();
  bool turn_end();   // There is more to do.
  bool tell_gone();  // There was somebody to tell.
  int left() const;  // Milliseconds until the alarm; -1: none is set.

  static constexpr int kEventsAtOnce = 1024;

  uv_loop_t& loop_;
  uv_async_t alive_{};  // libuv polls only while something could come.
  DriverOwner* owner_ = nullptr;
  int epoll_ = -1;
  int wake_ = -1;
  std::atomic<bool> woken_ = false;
  bool stopped_ = false;
  bool armed_ = false;
  bool libuv_has_more_ = true;
  SteadyTime alarm_{};
  ReactorStream* gone_ = nullptr;  // Closed, and their owners not told; newest first.
  std::size_t told_ = 0;           // Of the events: the one being told,
  std::size_t count_ = 0;          // and how many there are.
  std::array<epoll_event, kEventsAtOnce> events_{};
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
  friend class Reactor;
  std::uint64_t name() const;

  Reactor& reactor_;
  const Told told_;
  void* const about_;
  const int socket_;
  bool watched_ = false;
};

// Its owner stands right before it in memory.
class ReactorStream final : public OwnSocket {
 public:
  ReactorStream(Reactor& reactor, int socket) : OwnSocket(socket), reactor_(reactor) {}
  void want(unsigned what) override;
  void close(bool reset) override;
  int release() override;

 private:
  friend class Reactor;
  ConnectionCore& owner();
  std::uint64_t name() const;
  void on_event(std::uint32_t events);
  void on_rare_event(std::uint32_t events);
  void unwatch();

  bool watched_ = false;  // The kernel knows of it.
  std::uint8_t wanted_ = 0;
  Reactor& reactor_;
  ReactorStream* next_ = nullptr;  // Among those that are gone.
};

}  // namespace weir
