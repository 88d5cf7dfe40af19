// The reactor as a protocol sees it: time, timers, other threads, outgoing connections, the log.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <weir/address.hpp>
#include <weir/base.hpp>
#include <weir/close_reason.hpp>
#include <weir/datagram.hpp>
#include <weir/handler.hpp>
#include <weir/url.hpp>

namespace weir {

namespace detail {
struct TimerEntry;
struct TimerDeleter {
  WEIR_API void operator()(TimerEntry* entry) const;
};
}  // namespace detail

// A timer that has not fired is cancelled when this dies. Used only on its loop's thread; may die in
// its own task, and after its loop.
class Timer {
 public:
  Timer() = default;
  explicit Timer(detail::TimerEntry* entry) : entry_(entry) {}
  void cancel() { entry_.reset(); }
  detail::TimerEntry* entry() const { return entry_.get(); }

 private:
  std::unique_ptr<detail::TimerEntry, detail::TimerDeleter> entry_;
};

// What a lookup found: addresses in the order to try, port 0, or why there is none.
struct Resolution {
  std::vector<Address> addresses;
  std::string error;  // Empty when there is at least one address.
};

using Resolved = Callback<const Resolution&>;

struct WEIR_API ConnectOptions {
  Url to;
  Millis timeout{5'000};  // Lookup and all addresses together; 1 ms to 24 days.
  // Is not dialled, should the name mean it: a forwarder's own address. With one given, no other
  // address that the service listens on is dialled either.
  Address except = {};

  // Throws SetupError, as connect would, if this cannot be dialled at all.
  void check() const;
};

// A connection that has ended, for the log.
struct ConnectionEnd {
  std::uint64_t id = 0;
  Address peer;
  Address local;
  std::string listener;  // Where it was accepted, as the service listens; empty if it was dialled.
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  Millis duration{0};
  CloseReason reason;
};

// A line of the log; valid during the call.
struct LogLine {
  Level level = Level::info;
  std::string_view service;  // Who says it; "weir" is the server itself.
  std::string_view text;     // One line, escaped.
  const ConnectionEnd* ended =
      nullptr;  // For a connection's last line, which says the same in text.
};

// Where log lines go. Called on any loop's thread.
using LogSink = std::function<void(const LogLine&)>;

// The Loop that a service is opened with is that service's own: connections made with it belong to
// the service and keep it alive, and its log lines carry the protocol's name.
class Loop {
 public:
  // Runs the task on this loop, soon, in the order of posting. The one member another thread may
  // call. Never fails; what is posted is bounded by who posts it. At most 1,024 run per turn. What
  // it throws is logged and counted.
  virtual void post(Task) = 0;

  // Runs the task once, not before the delay is over. What it throws is logged and counted.
  [[nodiscard]] virtual Timer after(Millis delay, Task) = 0;

  virtual SteadyTime now() const = 0;  // Of this turn; no system call.
  virtual WallTime wall() const = 0;   // What the time protocol sends.
  virtual std::uint64_t random() = 0;  // Unpredictable; for tests, from the seed.

  // A connection that can be written to at once. Names are looked up off the loop, all addresses are
  // tried in order, one deadline spans it all. Then on_open; or on_close alone, never from in here.
  // Throws SetupError if the URL cannot be dialled at all, and after the drain deadline.
  virtual Connection& connect(const ConnectOptions&, std::unique_ptr<Handler>) = 0;

  // Looks a name up off the loop; the answer comes on this loop, never from in here.
  virtual void resolve(std::string_view host, Resolved) = 0;

  // Runs `blocking` on a pool's thread, then `then` on this loop; also if `blocking` threw, which is
  // logged and counted. A server that stops waits for `blocking`; let it have a bound.
  virtual void work(Task blocking, Task then) = 0;

  // Throws SetupError if the socket cannot be had.
  virtual DatagramSocket& bind(const Url&, std::unique_ptr<DatagramHandler>) = 0;

  // One line: escaped, cut at 1,024 bytes, with the service's name in front.
  virtual void log(Level, std::string_view line) = 0;

  // One line of the service's own output, for whoever reads standard output: as it is, so what comes
  // from outside is the caller's to escape. Never blocks; lines nobody takes are dropped and counted.
  virtual void print(std::string_view line) = 0;

 protected:
  ~Loop() = default;
};

}  // namespace weir
