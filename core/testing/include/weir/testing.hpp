// A kit for testing handlers, services and protocols: the product's own loops and connections over
// a simulated network, in one thread, with a clock moved by hand. Nothing sleeps, and the same seed
// gives the same run.
//
//   weir::testing::Net net;
//   auto& peer = net.connect<Echo>();
//   peer.send("hello");
//   CHECK(peer.take() == "hello");
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <weir/server.hpp>

namespace weir::testing {

class NetBody;
class PeerTls;
struct SimPlace;
struct SimSocket;
struct TlsPeer;
enum class Transport : std::uint8_t;

// What may go wrong by itself: chances in a thousand, each time it could happen.
struct Faults {
  unsigned short_receive = 0;  // Less is read than there is,
  unsigned short_send = 0;     // or taken than fits.
  unsigned again = 0;          // A read or write that was promised to work would block.
  unsigned spurious = 0;       // Readiness is reported where there is none,
  unsigned late = 0;           // or later than it could be.
  unsigned broken = 0;         // A read or write fails, and the connection with it.
  unsigned accept = 0;         // Accepting fails for want of descriptors.
  unsigned dial = 0;           // Connecting fails,
  unsigned hang = 0;           // or is never answered.
  unsigned resolve = 0;        // A lookup fails or takes two seconds.
  bool any_order = false;      // Loops take their turns at random.
};

struct NetOptions {
  std::uint64_t seed = 1;  // Of every choice and of Loop::random.
  std::size_t loops = 1;
  Limits limits = {};      // Of every service,
  Timeouts timeouts = {};  // like these.
  Faults faults = {};
  bool unix_sockets = false;        // Peers come over Unix sockets: no addresses, no resets.
  bool automatic = true;            // connect and a peer's verbs run the net until it is quiet.
  std::size_t connections = 0;      // The server's limit; 0: none.
  std::size_t pipes = 32;           // Of each loop, for relays to splice through,
  std::size_t pipe_size = 1 << 20;  // and their bytes; 0: the system cannot splice.
  Level level = Level::debug;       // Log lines below it are not kept.
  bool trace = false;               // Every callback goes to the log.
  std::optional<Transport> transport = {};  // Of all connections; see testing_tls.hpp.
};

// The far side of a connection, held by the test. Valid as long as the net. It reads what arrives,
// between two turns; stalled, it does not, and once `room` bytes wait for it (64 KiB unless told) the
// server's writes block.
class Peer final {
 public:
  static constexpr auto kWhole = static_cast<std::size_t>(-1);
  // Never blocks. The server reads at most `chunk` bytes of it at a time, one turn each.
  void send(std::string_view text, std::size_t chunk = kWhole);
  void end();           // FIN, on TLS after close_notify; reading goes on.
  void close();         // Both ways, as close(2): a reset if something arrived and was not read.
  void reset();         // A Unix socket cannot; it closes.
  void cut(int error);  // The line breaks: the server's system calls give this errno.
  void stall();
  void unstall();
  void room(std::size_t bytes);

  std::string take();              // What it has read since the last take.
  std::uint64_t arrived() const;   // Bytes read in all.
  bool ended() const;              // It has read the server's FIN, on TLS behind close_notify.
  bool was_reset() const;          // Or, with TLS over a Unix socket, has read a FIN without it.
  bool gone() const;               // The server has closed its socket.
  Connection* connection() const;  // The server's side; null before it is accepted and once gone.
  std::optional<CloseReason> reason() const;  // Why it ended, once it is gone.
  std::uint64_t sends() const;                // System calls it made to write,
  std::uint64_t receives() const;             // and to read.
  PeerTls tls() const;                        // Throws if it is plain.

 private:
  friend class NetBody;
  Peer(NetBody& net, int socket) : net_(&net), socket_(socket) {}
  SimSocket& socket() const;
  NetBody* net_;
  int socket_;
};

// An address that is none of the net's services, for Loop::connect. Accepts unless told otherwise.
class Place final {
 public:
  Peer* next();  // The oldest connection that was not handed out yet; null if there is none.
  unsigned attempts() const;
  void accept();
  void refuse(int error = 0);    // ECONNREFUSED unless told. ENETUNREACH and its like fail at once.
  void hang();                   // Attempts are never answered.
  void tls(const TlsPeer& how);  // It speaks TLS so from now on.

 private:
  friend class NetBody;
  Place(NetBody& net, SimPlace& place) : net_(&net), place_(&place) {}
  NetBody* net_;
  SimPlace* place_;
};

// Loops and services, hosted as a Server hosts them. When it dies it closes what is left without a
// word to handlers the test made: what they refer to may be gone. Should anything remain even then,
// it says what and ends the process.
class Net final {
 public:
  explicit Net(NetOptions options = {});
  ~Net();
  Net(const Net&) = delete;
  Net& operator=(const Net&) = delete;

  Loop& loop(std::size_t index = 0);  // With no service.
  // Opens a service on every loop, as a server does; returns the one on the first.
  Service& open(const ServiceType& type, const OptionValues& options = {});
  Service& on_loop(Service& service, std::size_t index);  // The same on another loop.
  // A new peer of a service: one that was opened, or the test's own, hosted on `loop` from then on.
  Peer& connect(Service& service, std::size_t loop = 0);
  Peer& connect(const ServiceType& type, const OptionValues& options = {});  // Opened once.
  Peer& connect(std::unique_ptr<Handler> handler, std::size_t loop = 0);  // Accepted by this one.
  Peer& connect(std::unique_ptr<Handler> handler, const TlsPeer& how);
  template <class H>
  Peer& connect() {
    static constexpr ServiceType type = handler_type<H>("test", "Is tested.");
    return connect(type);
  }

  void listen(Service& service, std::string_view url);  // On all its loops, as a server does.
  Peer& dial(std::string_view url);
  Peer& dial(std::string_view url, const TlsPeer& how);  // To a listener that speaks TLS.
  void fail_accepts(int error);  // Accepting fails with this errno; 0: works again.
  Place& place(std::string_view url);
  void name(std::string_view host, const std::vector<std::string>& addresses, Millis delay = {});
  std::uint64_t lookups() const;       // Of names, asked of the system by any loop.
  bool move(Peer& peer, Service& to);  // To another loop's service. False: it may not move.

  void run();                       // Turns until nothing is left to do at this time.
  bool turn(std::size_t loop = 0);  // One turn; false if there was nothing to do.
  std::uint64_t turns(std::size_t loop = 0) const;
  void advance(Millis by);  // Moves the clock; what comes due on the way runs in its order.
  void pass(Millis by);     // Moves the clock and runs nothing.
  void set_wall(WallTime wall);
  void stop(Millis deadline = Millis{30'000});  // Drains every loop.
  bool stopped() const;                         // Every connection is gone.

  const std::vector<std::string>& log() const;      // "warn: echo: ..."
  const std::vector<std::string>& printed() const;  // By Loop::print.
  Counters counters() const;
  std::vector<std::string> leftovers() const;  // What is still open, a line each.

 private:
  std::unique_ptr<NetBody> body_;
};

}  // namespace weir::testing
