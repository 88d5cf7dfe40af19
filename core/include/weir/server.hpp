// Loops, listeners and the services that answer on them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <weir/loop.hpp>
#include <weir/options.hpp>
#include <weir/service_type.hpp>

namespace weir {

// Bounds of each connection of a service. Sizes in bytes.
struct Limits {
  std::size_t write_high = 16 << 10;  // Above it: Flow::full, and reading stops.
  std::size_t write_low = 4 << 10;    // At or below it after that: on_drain.
  std::size_t write_max = 256 << 10;  // More for longer than a turn: write_overflow.
  std::size_t unread_max = 64 << 10;  // More unused input than this: read_overflow.
};

// All monotonic, all at most 24 days; 0 turns one off.
struct Timeouts {
  Millis first_byte{0};         // From open to the first byte of an accepted peer.
  Millis unfinished{30'000};    // A line or frame, from its first byte.
  Millis idle{300'000};         // Silence both ways.
  Millis write_stall{30'000};   // Something pending and not one byte taken.
  Millis half_closed{30'000};   // One direction ended, silence in the other.
  Millis linger{5'000};         // After close() and its FIN: silence.
  Millis linger_total{30'000};  // After close() and its FIN: in all.
  Millis handshake{10'000};     // A TLS handshake, in all.
};

// The defaults, but for what the protocol asks for.
WEIR_API Timeouts timeouts_for(const ServiceType& type);

// A service: a protocol, its options, and where it listens.
struct Listen {
  std::vector<Url> at;
  std::string speak;  // The name of a ServiceType that was added.
  OptionValues options = {};
  Limits limits = {};
  Timeouts timeouts = {};
  std::string name = {};  // In the log, and how a reload finds it again; empty: as `speak`.
};

// What listen() would refuse before it binds; named by option, "listen", or limit as in "write-max".
WEIR_API std::vector<OptionFault> check(const ServiceType& type, const Listen& service);

// What a running server changes to, all of it or nothing.
struct Reload {
  std::vector<Listen> services;  // Found again by name; two of the same name are a mistake.
  std::size_t connections = 0;   // As in ServerOptions, like these.
  Millis drain{30'000};
  Level level = Level::info;
  bool access_log = false;
};

struct ServerOptions {
  unsigned loops = 1;  // Threads, 1 to 256; 0: as many as CPUs the process may use.
  // In and out together, beyond which none is accepted; 0: the hard descriptor limit - 512.
  std::size_t connections = 0;
  Millis drain{30'000};  // From stop() to the abort of what is left; 1 ms to 24 days.
  // For relays of all loops together, to splice streams through. Each takes two descriptors and up to
  // 1 MiB of the system's memory; with none free, bytes are copied. 0 to 128; 0: always copied.
  // A small descriptor limit allows fewer.
  std::size_t pipes_max = 32;
  std::uint64_t accepts = 0;  // Connections after which it stops by itself; 0: never.
  // TERM and INT stop; a second one aborts. HUP reloads, or stops where there is nothing to reload; USR1
  // opens the log file again; both are ignored once it has run. PIPE is ignored.
  bool signals = true;
  bool trace = false;       // Every callback and its bytes go to the log.
  bool access_log = false;  // A line for each connection, when it has ended; at debug level always.
  Level level = Level::info;  // Lines below it are dropped before they are made.
  bool log_json = false;      // A JSON object in each line.
  std::string log_file = {};  // Empty: standard error. Appended to.
  LogSink log = {};           // In place of these two.
  std::function<void(std::string_view)> print = {};  // In place of standard output for Loop::print.
  std::function<void()> on_ready = {};  // On the first loop, once every listener accepts.
  // What to serve from now on. On a pool's thread; whatever it throws changes nothing.
  std::function<Reload()> on_reload = {};
  std::function<void(bool changed)> on_reloaded = {};  // On the first loop, after each.
};

// One bound socket.
struct Bound {
  std::string protocol;
  Url url;  // With the real port.
};

// Sums over all loops, never reset.
struct Counters {
  std::uint64_t accepted = 0;
  std::uint64_t refused_limit = 0;    // Over the connection limit: accepted and closed at once.
  std::uint64_t refused_service = 0;  // accept() returned null or threw.
  std::uint64_t accept_errors = 0;    // Descriptors or memory ran out; accepting paused.
  std::uint64_t closed = 0;
  std::uint64_t exceptions = 0;  // Thrown by handlers, services, tasks.
  std::uint64_t bytes_in = 0, bytes_out = 0;
  std::uint64_t spliced = 0;      // Of those bytes, what relays moved inside the kernel.
  std::uint64_t connections = 0;  // Open at this moment.
  std::uint64_t log_dropped = 0;  // Lines of the log, and of Loop::print, that were not written.
  // Connections that could not be made, by the reason of their on_close.
  std::uint64_t connect_refused = 0, connect_timeout = 0, unresolved = 0, no_local_port = 0;
  std::uint64_t handshakes = 0, handshakes_failed = 0;
};

class WEIR_API Server {
 public:
  explicit Server(ServerOptions options = {});
  explicit Server(unsigned loops);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void add(const ServiceType& type);

  // Binds and listens at once; accepting begins in run(). If it throws SetupError, nothing is bound.
  void listen(const Listen& service);
  std::vector<Bound> bound() const;  // Any thread.

  // Serves on the calling thread and the other loops' until stopped and drained. 0: every connection
  // ended by itself; 1: the drain deadline or abort() ended some. Throws SetupError if a service
  // cannot be opened, or if it ran before.
  int run();

  // Begins to drain: no more accepting, on_stop everywhere, return from run() when all are gone.
  // Any thread; again while draining: as abort().
  void stop();
  void abort();

  // As HUP: asks on_reload, opens what is new, then changes over, or does nothing at all. Sockets that
  // stay are kept, open connections go on. Any thread; several in a row become one.
  void reload();

  // A loop with no service, for connections of your own; what it opens ends at stop(). Its idle,
  // half-closed and unfinished timeouts are off.
  Loop& loop(std::size_t index = 0);

  Counters counters() const;  // Any thread.

 private:
  class Body;
  std::unique_ptr<Body> body_;
};

}  // namespace weir
