// The one class behind every connection, whatever carries it: reading with a kept tail, gathered
// writing with watermarks, half-close, lingering, timeouts, and the order of death.
//
// Split over connection_core.cpp (life), connection_read.cpp, connection_write.cpp,
// connection_time.cpp, connection_tls.cpp and connection_move.cpp.
#pragma once

#include <weir/connection.hpp>
#include <weir/handler.hpp>

#include "driver.hpp"
#include "loop_core.hpp"
#include "wheel.hpp"

namespace weir {

class Connector;
class RelayHalf;
class TlsSource;
class TlsStream;

// Input that a handler has seen and not used; allocated only while there is some.
struct Tail {
  std::vector<std::byte> bytes;
  std::uint32_t since = 0;  // Loop's milliseconds when its first byte came.
};

// What a connection consists of while it is between two loops.
struct Frozen {
  int socket = -1;
  Address peer;
  State state;
  std::vector<std::byte> output;  // Written, not taken.
  std::vector<std::byte> input;   // Read, not used.
  std::uint64_t id = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  Millis idle{0};
  Millis silent{0};  // Since the last byte either way.
  bool paused = false;
  bool hold_reads = true;
  bool eof_in = false;
  bool eof_told = false;
  bool end_called = false;
  bool fin_out = false;
  bool full = false;
  bool drain_due = false;
  bool again = false;
};

class ConnectionCore final : public Connection, public WheelNode {
 public:
  // Allocated together with its stream: an idle connection is one piece of memory.
  static ConnectionCore* make(ServiceLoop& service, const Address& peer);
  WEIR_API static void destroy(ConnectionCore* connection);

  // --- Birth; each returns with the connection alive, dying, or handed to the loop's grave.

  // False: refused, nothing left to do. With a source, the handshake comes first.
  bool accept(int socket, std::shared_ptr<TlsSource> tls);
  void connect(const ConnectOptions& options, std::unique_ptr<Handler> handler,
               std::shared_ptr<TlsSource> tls);
  bool thaw(Frozen& frozen);
  std::unique_ptr<Frozen> freeze();

  // --- The Connection interface.

  Flow write(Bytes bytes) override;
  Flow write(const Payload& payload) override;
  void end() override;
  void close() override;
  void abort(std::error_code why) override;
  bool closing() const override { return is(kClosing); }
  std::size_t pending() const override;
  bool full() const override { return is(kFull); }
  void pause() override;
  void resume() override;
  bool paused() const override { return is(kPaused); }
  void hold_reads_when_full(bool hold) override;
  void set_idle(Millis idle) override;
  void start_tls(const TlsOptions& options) override;
  const TlsInfo* tls() const override;
  bool securing() const override { return is(kUpgrading) || phase_ == Phase::securing; }
  Address peer() const override { return peer_; }
  Address local() const override;
  Loop& loop() override { return service_; }
  std::uint64_t id() const override { return id_; }
  std::uint64_t bytes_in() const override { return bytes_in_; }
  std::uint64_t bytes_out() const override { return bytes_out_; }
  ConnectionRef ref() override;

  // --- For the loop.

  WEIR_API void on_ready(unsigned what);  // From the stream,
  void on_stream_gone() { destroy(this); }
  void on_due();  // The wheel offers a look at the deadlines.
  void settle();  // The end of a turn: whatever is due.
  void reconfigured(Millis idle_before);
  void on_post(Callback<Connection&>& task);
  void stop();                                      // The server drains.
  void cut(CloseReason::Code code, int error = 0);  // Core ends it now, with a reset.

  // --- For a relay.

  // As write(), but sent at once where possible: nothing else will be written in this turn.
  Flow pass(Bytes bytes);
  // Both directions are a kernel's stream, and nobody wants to see the bytes.
  bool can_splice() const;
  // From then on the half is asked to splice where the handler would get on_data; null: no more.
  void splice_by(RelayHalf* half);
  IoResult splice_in(Pipe& pipe);  // A read, which deals with errors.
  void splice_out(LentPipe pipe);  // A write, with nothing pending.
  bool takes_output() const { return !is_any(kClosing | kEndCalled | kOutDead); }
  // From here on the other side is waited for, whatever was before.
  void restart_waiting();
  bool bounds_stalls() const { return config().timeouts.write_stall.count() > 0; }
  void close_as(CloseReason::Code code);  // As close(), for that reason.
  void be_relayed();
  bool peer_takes();           // Something since the last look, though the kernel did not tell.
  void half_closed_is_idle();  // From here on silence is bounded by the time for half-closed ones.
  // In on_idle: whether the other was active within the idle time, which counts for this one then.
  bool active_as(const ConnectionCore& other);

  // --- For the connector.

  void connected(int socket, const Address& peer);
  void not_connected(CloseReason::Code code, int error);
  void dialling() { refile(); }
  void be_due();  // settle() is to be called at the end of this turn.
  Connector* connector() { return is(kDialling) ? aside_.connector : nullptr; }

  ServiceLoop& service() { return service_; }
  void secure_soon();  // For the engine: the handshake may go on, in a later step.
  void forget_agenda() { clear(kOnAgenda); }
  std::uint32_t slot() const { return slot_; }
  const CloseReason& reason() const { return reason_; }

 private:
  enum class Phase : std::uint8_t {
    connecting,
    securing,  // The TLS handshake is under way.
    open,
    finished,  // on_close is due at the end of the turn.
    dead,      // on_close has been; the stream is going.
  };

  // Bits of one word, so that the hot path asks about many at once.
  enum Flag : std::uint32_t {
    kClosing = 1 << 0,    // close(), abort(), or core ends it: no more callbacks but on_close.
    kEndCalled = 1 << 1,  // FIN once the output is empty.
    kFinOut = 1 << 2,     // Sent.
    kEofIn = 1 << 3,      // The peer's FIN was read,
    kEofTold = 1 << 4,    // and on_eof has been.
    kPaused = 1 << 5,
    kHoldReads = 1 << 6,
    kFull = 1 << 7,  // Above the high mark and not yet back at the low one.
    kDrainDue = 1 << 8,
    kBlocked = 1 << 9,   // The kernel refused output; waiting until it takes more.
    kOutDead = 1 << 10,  // Sending failed; input is still read to its end.
    kAgain = 1 << 11,    // Kept input is due to be offered again.
    kOnAgenda = 1 << 12,
    kInCallback = 1 << 13,
    kLingering = 1 << 14,  // close() sent its FIN and waits for the peer's.
    kOpenedToHandler = 1 << 15,
    kReset = 1 << 16,  // The stream is to be closed with a reset.
    kHasStream = 1 << 17,
    kDialling = 1 << 18,  // One of these three at most; says what is kept aside.
    kHasTail = 1 << 19,
    kSplice = 1 << 20,     // What is read goes through a pipe.
    kOutgoing = 1 << 21,   // Dialled, not accepted.
    kRelayed = 1 << 22,    // The relay judges silence, which is one of two connections.
    kTls = 1 << 23,        // The stream lies above another.
    kUpgrading = 1 << 24,  // start_tls() was called; what was written before is still leaving.

    // With one of these, more is to be done than to read, to call back and to send what that wrote.
    kUnusual = kClosing | kEndCalled | kEofIn | kPaused | kFull | kBlocked | kOutDead | kAgain |
               kHasTail | kSplice | kTls | kUpgrading,
    kMoreToDo = kUnusual & ~kTls,  // TLS only before the callback.
  };

  ConnectionCore(ServiceLoop& service, const Address& peer);
  ~ConnectionCore();

  bool is(Flag flag) const { return (flags_ & flag) != 0; }
  bool is_any(std::uint32_t flags) const { return (flags_ & flags) != 0; }
  void set(Flag flag) { flags_ |= flag; }
  void clear(Flag flag) { flags_ &= ~static_cast<std::uint32_t>(flag); }
  void put(Flag flag, bool on) { on ? set(flag) : clear(flag); }

  LoopCore& core() const { return service_.core(); }
  const ServiceConfig& config() const { return service_.config(); }
  void begin(int socket);
  bool take_handler();
  void set_handler(std::unique_ptr<Handler> handler);
  bool reading() const;
  bool is_open() const { return phase_ == Phase::open; }
  // Lies in the memory right behind this object.
  SocketStream& plain() const {
    return *reinterpret_cast<SocketStream*>(const_cast<ConnectionCore*>(this) + 1);
  }
  Stream& stream() const { return is(kTls) ? above() : plain(); }
  Stream& above() const;
  TlsStream& tls_stream() const { return *aside_.tls; }

  // Runs a callback of the handler's at the one place where exceptions are caught.
  template <class F>
  void call(const char* where, F&& callback);
  [[gnu::cold]] void threw(std::string_view where);
  void advance();  // After anything happened: flush, FIN, the end, what to wait for.
  void open_to_handler();

  // Reading.
  [[gnu::noinline]] void on_unusual(unsigned what);
  void read_ready(unsigned what);
  [[gnu::noinline]] void read_on();
  bool read_once();
  bool splice();
  bool receive();  // One read; true: the buffer was filled, there may be more.
  [[gnu::noinline]] bool receive_behind_tail();
  [[gnu::noinline]] bool nothing_read(IoResult got);
  [[gnu::noinline]] void delivered(Bytes all, std::size_t kept, std::size_t used);
  void keep(Bytes all, std::size_t kept, std::size_t used);
  Tail& make_tail();
  std::unique_ptr<Tail> take_tail();
  void drop_tail() { take_tail(); }
  void offer_again();
  void reached_eof();
  void tell_eof();
  bool discard();
  void lost(int error);  // The peer reset, or the network gave up.
  Tail* tail() const;
  void put_tail(Tail* tail);

  // TLS.
  void secure_by(std::shared_ptr<TlsSource> source);  // Puts a stream above the other.
  void drop_tls();
  void upgrade();  // Once what was written before start_tls() is gone.
  void begin_securing();
  void secure();
  void secured();
  [[gnu::cold]] void not_secured();
  [[gnu::cold]] void tls_lost(int error);
  void close_with_alert(CloseReason::Code code);
  [[gnu::cold]] void handshake_timed_out();
  std::uint32_t securing_since() const;
  void tls_noted();
  [[gnu::noinline]] IoResult receive_tls(std::span<std::byte> into);  // Out of the hot path.
  void read_news();
  void uncork();
  bool corked() const;
  void note_held();  // What the stream holds, after it was called.
  bool push();       // That; false: some is still held.
  [[gnu::cold]] Flow write_early(Bytes bytes);
  std::size_t early_bytes() const;
  bool has_news() const;
  void drop_held();
  std::size_t held() const;
  bool notified();  // close_notify has left.

  // Writing.
  Chain& out();
  Flow written();
  bool is_direct() const { return core().direct().owner == this; }
  [[gnu::noinline]] void copy_direct();
  [[gnu::noinline]] Flow write_more(Bytes bytes);
  [[gnu::noinline]] bool not_all_taken(IoResult sent);
  void all_taken();
  bool send_direct();  // False: not all of it has left.
  [[gnu::noinline]] bool send_direct_tls();
  void spill_direct();          // Into the chain: it is not the only write any more.
  Bytes send_now(Bytes bytes);  // Returns what the kernel did not take.
  void flush();
  IoResult send_front(std::size_t& offered);
  static bool cannot_splice(IoResult result);  // Though copying may do.
  void reclaim_pipe();
  void blocked();
  void taken(std::size_t bytes);
  void judge_low();
  void send_failed(int error);
  void judge_output();
  void drop_output();
  void want();

  // Ending.
  void fin();
  void check_finished();
  void finish(CloseReason::Code code, CloseReason::Side side, int error = 0, bool reset = false);
  void release_aside();
  void die();
  void tell_close();
  CloseReason::Code cause(CloseReason::Code otherwise) const;

  // Time.
  std::uint32_t stamp() const { return static_cast<std::uint32_t>(core().tick()); }
  struct Deadline {
    std::int64_t left;  // Milliseconds; 0 or less: over.
    CloseReason::Code what;
  };
  Deadline deadline() const;
  void refile();  // Only ever to an earlier tick; later ones are found when the old one comes.
  void idled();
  void lingered();
  void log_close();

  // These three fit behind the wheel's node.
  CloseReason::Code cause_ = CloseReason::Code::ended;  // What close() means in this callback.
  Phase phase_ = Phase::open;
  std::uint8_t wanted_ = 0xff;  // What the stream was last told; 0xff: nothing yet.
  ServiceLoop& service_;
  std::unique_ptr<Handler> handler_;
  Chain* out_ = nullptr;  // Lent by the loop while something is pending.
  union Aside {
    void* nothing = nullptr;
    Connector* connector;  // Owned; while connecting.
    Tail* tail;            // Owned; input that was not used.
    RelayHalf* splicer;    // The handler's, while what is read is spliced.
    TlsStream* tls;        // Owned, like the tail that it keeps in this one's place.
  } aside_;
  std::uint64_t id_;
  std::uint64_t bytes_in_ = 0;
  std::uint64_t bytes_out_ = 0;
  Address peer_;
  std::uint32_t slot_;
  std::uint32_t idle_;      // Milliseconds; 0 is off.
  std::uint32_t activity_;  // Loop's milliseconds of the last byte either way.
  std::uint32_t opened_;
  // When close() was called, and once lingering, when that began; until then, when no more drains are
  // due, the turn in which on_drain last came.
  std::uint32_t since_ = 0;
  CloseReason reason_;
  std::uint32_t flags_ = kHoldReads;
};

template <class F>
void ConnectionCore::call(const char* where, F&& callback) {
  set(kInCallback);
  try {
    callback();
  } catch (...) {
    threw(where);
  }
  clear(kInCallback);
}

}  // namespace weir
