// The simulated network: a table of sockets that behave as Linux's do, listeners, names, a clock moved
// by hand and one seeded source of chance. Everything happens in one thread, in an order that follows
// from the seed.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <weir/testing.hpp>

#include "driver.hpp"
#include "sim_tls.hpp"

namespace weir::testing {

class SimDriver;
class SimStream;

// One end of a connection. Bytes sent by the other end wait in `in`.
struct SimSocket {
  int number = -1;
  int other = -1;
  bool local = false;  // A Unix socket.
  Address here;
  Address there;

  std::string in;  // From `read` on: arrived and not yet read.
  std::size_t read = 0;
  std::uint64_t passed = 0;        // Bytes that were ever cut off the front of `in`.
  std::deque<std::uint64_t> cuts;  // One read never crosses one of these positions.
  std::size_t room = 64 << 10;     // What `in` holds before the sender blocks.

  bool fin = false;     // The other end's FIN stands behind `in`.
  bool shut = false;    // This end has sent its FIN.
  bool dead = false;    // Reset or broken: nothing more is sent or arrives.
  bool closed = false;  // The process has let go of it.
  bool other_closed = false;
  int error = 0;  // Waits to be taken, once.

  SimStream* stream = nullptr;  // Of a loop, or
  bool peer = false;            // the test's.
  bool stalled = false;         // The test's end does not read.
  bool waiting = false;         // On the list of ends to be read.
  bool ended = false;           // The test's end has read the FIN,
  bool was_reset = false;       // or the reset.
  std::string taken;            // Read by the test's end.
  std::uint64_t arrived = 0;
  std::optional<CloseReason> reason;  // Kept at the test's end when the loop's end closes.
  std::uint64_t sends = 0;            // Calls that the loop's end made, kept at the test's end.
  std::uint64_t receives = 0;
  std::unique_ptr<SimTls> tls;  // Of the test's end, if it speaks TLS.
  bool fin_read = false;        // By it.

  std::size_t unread() const { return in.size() - read; }

  // What the sender may still send. A handshake passes, whatever room the test's end has.
  std::size_t space() const {
    const bool shakes = tls != nullptr && !tls->tls().settled();
    const std::size_t size = shakes ? std::max(room, std::size_t{64} << 10) : room;
    return size > unread() ? size - unread() : 0;
  }
};

struct SimListener {
  int number = -1;
  std::string key;
  Address at;
  bool tls = false;
  std::deque<int> backlog;
};

// What becomes of an attempt to connect to an address that is no service's.
struct SimPlace {
  enum class Answer : std::uint8_t { accept, refuse, hang };

  std::string key;
  Answer answer = Answer::accept;
  int error = 0;
  unsigned attempts = 0;
  std::deque<int> backlog;     // The test's ends, not yet handed out.
  std::optional<TlsPeer> tls;  // How they speak TLS, if they do.
};

struct SimName {
  std::vector<Address> addresses;
  std::string error;
  Millis delay{0};
};

class SimNetwork {
 public:
  explicit SimNetwork(const NetOptions& options);

  // --- Chance and time.

  std::uint64_t random();
  bool chance(unsigned per_mille) { return per_mille != 0 && random() % 1'000 < per_mille; }
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random() % limit); }
  const Faults& faults() const { return faults_; }
  std::size_t pipe_size() const { return pipe_size_; }

  SteadyTime now() const { return now_; }
  WallTime wall() const { return wall_ + (now_ - SteadyTime{}); }
  void set_now(SteadyTime now) { now_ = now; }
  void set_wall(WallTime wall) { wall_ = wall - (now_ - SteadyTime{}); }

  // --- Sockets. A result is what the system call would give.

  SimSocket* find(int number);
  SimSocket* other(const SimSocket& socket) { return find(socket.other); }
  IoResult receive(SimSocket& socket, std::span<std::byte> into);
  IoResult send(SimSocket& socket, const iovec* pieces, int count);
  void append(SimSocket& from, std::string_view text, std::size_t chunk);  // Without any bound.
  int shut_down(SimSocket& socket);
  int take_error(SimSocket& socket);
  void close(SimSocket& socket, bool reset);
  void break_off(SimSocket& socket, int error);  // As a cable that is cut and noticed.
  unsigned readiness(const SimSocket& socket) const;

  // --- Listeners, places and names.

  int listen(const std::string& key, const Address& at, bool tls);
  int listener_at(const std::string& key) const;  // Negative if there is none.
  SimListener* listener(int number);
  void stop_listening(int number);
  Accepted accept(SimListener& listener);
  void fail_accepts(int error) { accept_error_ = error; }

  // A connection from a test's end to a listener; the number of the test's end.
  int connect_peer(SimListener& listener, const std::optional<TlsPeer>& tls);

  // A loop's attempt: the number of its end, or a negative errno; empty if there is no answer ever.
  std::optional<int> dial(const std::string& key, const Address& to);
  int dial_at_once(const std::string& key);  // The errno with which it fails without an attempt.
  SimPlace& place(const std::string& key) { return places_[key]; }
  std::map<std::string, SimName>& names() { return names_; }
  const SimName* find_name(const std::string& host) const;
  void looked_up() { ++lookups_; }
  std::uint64_t lookups() const { return lookups_; }
  static Address with_port(const Address& address, std::uint16_t port);
  static std::string key_of(const Url& url, const Address& address);

  // --- The test's ends.

  void read_peers();  // Every end that is not stalled reads what is there.
  void read_peer(SimSocket& socket);
  bool peers_waiting() const { return !waiting_.empty(); }
  bool settle_peers();  // All is quiet. True: something has come of it.

  std::vector<std::string> open_sockets() const;

 private:
  SimSocket& make_socket(bool local);
  int make_pair(bool local, const Address& client, const Address& server);  // The client's end.
  void reach(SimSocket& socket);  // Something has arrived there.
  void secure(SimSocket& socket, TlsEnd::Side side, const TlsPeer& how);
  void kill(SimSocket& socket, int error);
  Address client_address();

  std::uint64_t state_;
  const Faults faults_;
  const bool unix_;
  const std::size_t pipe_size_;
  SteadyTime now_{std::chrono::hours(1)};
  WallTime wall_;
  std::vector<std::unique_ptr<SimSocket>> sockets_;  // By number; a number is never used again.
  std::vector<std::unique_ptr<SimListener>> listeners_;
  std::map<std::string, SimPlace> places_;
  std::map<std::string, SimName> names_;
  std::vector<int> waiting_;
  std::vector<int> shaking_;  // The test's ends whose handshakes are not known to be over.
  int accept_error_ = 0;
  std::uint64_t lookups_ = 0;
  std::uint16_t next_port_ = 40'000;
};

}  // namespace weir::testing
