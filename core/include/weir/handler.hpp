// What a protocol is made of: a Handler per connection, a Service per loop, a Protocol above them.
#pragma once

#include <string>
#include <vector>

#include <weir/base.hpp>
#include <weir/close_reason.hpp>
#include <weir/connection.hpp>

namespace weir {

class Loop;
class OptionReader;
class Url;

// What a handler writes to move its connection to another loop or process, and reads there in the
// same order. Reading past the end gives zeros and empty views, and failed() is true from then on.
class WEIR_API State {
 public:
  void put(std::uint64_t number);
  void put(Bytes bytes);
  void put(const Connection& other);  // A reference, by number.

  std::uint64_t take_number();
  Bytes take_bytes();                  // Valid as long as the State.
  std::uint64_t take_connection_id();  // The id the other connection had.
  bool failed() const { return failed_; }

 private:
  std::vector<std::byte> bytes_;
  std::size_t read_ = 0;
  bool failed_ = false;
};

// One per connection, owned by it, destroyed after on_close. Callbacks come from the loop alone and
// never nest for one connection. A callback that throws ends its own connection with handler_threw.
class Handler {
 public:
  virtual ~Handler() = default;

  // First. TLS, if any, is established.
  virtual void on_open(Connection&) {}

  // Bytes arrived, unused ones from before in front. Returns how many it used; the rest is kept and
  // comes again in front of new bytes, at EOF, after resume(), or once a connection that was full has
  // drained; never by itself. More than Limits::unread_max end it with read_overflow.
  virtual std::size_t on_data(Connection&, Bytes data) { return data.size(); }

  // The peer sent FIN; writing is still possible. Once. Held back while paused, and
  // while unused bytes wait for a full connection to drain.
  virtual void on_eof(Connection& self, Bytes /*unused*/) { self.end(); }

  // After Flow::full, pending output fell to the low mark. At most once a turn.
  virtual void on_drain(Connection&) {}

  // Nothing was read or written for the idle time. It comes again after as long a silence.
  virtual void on_idle(Connection& self) { self.close(); }

  // After start_tls: the handshake is done.
  virtual void on_secure(Connection&) {}

  // The server drains. May close later; at the drain deadline the connection is aborted.
  virtual void on_stop(Connection& self) { self.close(); }

  // Exactly once and last, at the end of a turn, when core has finished with the peer. A connect that
  // fails gives on_close without on_open.
  virtual void on_close(Connection&, const CloseReason&) {}

  // May this connection move? True after writing everything it consists of into the State. The
  // handler then gets on_close with `moved`; a new handler gets thaw in place of on_open, and sets
  // its timers again.
  virtual bool freeze(State&) { return false; }
  virtual void thaw(Connection&, State&) {}
};

// One per configured service and loop, whatever its URLs: what its connections share needs no lock.
// Outlives every connection it accepted or opened.
class Service {
 public:
  virtual ~Service() = default;

  // After limits and the TLS handshake. Null refuses: the peer is reset. Throwing does the same and is
  // counted. Nothing may be kept of the connection but a pointer until on_close.
  virtual std::unique_ptr<Handler> accept(Connection&) = 0;

  // The server drains; comes before the connections' on_stop.
  virtual void on_stop() {}

  // As on Handler, for what connections share. Thawed before them.
  virtual bool freeze(State&) { return true; }
  virtual void thaw(State&) {}
};

// One per configured service, shared by all its loops and listeners: what spans loops lives here.
class Protocol {
 public:
  virtual ~Protocol() = default;

  // Where the service listens, with the real ports; once bound and before anything is opened or
  // accepted. May throw SetupError; then nothing of the service is bound.
  virtual void listening(const std::vector<Url>&) {}

  // Once per loop, on that loop, before it accepts. May throw SetupError.
  virtual std::unique_ptr<Service> open(Loop&) = 0;

  // New options, on the first loop while the others run; they have been checked, and hold for open
  // connections too. Where this is not overridden, a new protocol is made of them in place of the call:
  // it takes the new connections, and this one keeps those it has.
  virtual void reload(OptionReader&) {}
};

}  // namespace weir
