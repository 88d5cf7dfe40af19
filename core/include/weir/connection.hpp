// One connection, as its handler and its friends see it.
#pragma once

#include <system_error>

#include <weir/address.hpp>
#include <weir/base.hpp>
#include <weir/payload.hpp>

namespace weir {

class Connection;
class Loop;
struct TlsInfo;
struct TlsOptions;

namespace detail {
class Mailbox;
}

// Whether there is room for more. full: above the high mark; on_drain will follow.
enum class Flow : std::uint8_t { open, full };

// The only name of a connection that another thread may hold. It stays valid, and harmless, for
// ever: once the connection is closing, post does nothing.
class WEIR_API ConnectionRef {
 public:
  ConnectionRef() = default;

  // Runs the task on the connection's loop, soon, in the order of posting. Any thread. The task is
  // dropped unrun if the connection is closing by then. If it throws, the connection is aborted.
  void post(Callback<Connection&> task) const;

 private:
  friend class ConnectionCore;

  std::shared_ptr<detail::Mailbox> mailbox_;
  std::uint64_t id_ = 0;
  std::uint32_t slot_ = 0;  // Where the loop finds it, if it is still the one with that id.
};

// Belongs to one loop and is used only on its thread. No member calls a handler, so each may be
// called in any callback, for any connection. Valid until its on_close has returned. After close()
// or abort() every verb is a no-op.
class Connection {
 public:
  // Takes everything and copies it; sent at the latest when the loop's turn ends. The hard cap
  // (Limits::write_max) is judged at the end of a turn, and only if the connection was full when the
  // turn began: one large answer is never punished. After close, end or abort: dropped, Flow::open.
  virtual Flow write(Bytes) = 0;
  Flow write(std::string_view text) { return write(as_bytes(text)); }

  // The same without a copy.
  virtual Flow write(const Payload&) = 0;

  // What is pending, then FIN (after close_notify on TLS). Reading goes on.
  virtual void end() = 0;

  // What is pending, then both ways. Lingers rather than resets: what the peer still sends is read
  // and dropped until it answers the FIN or a deadline is over.
  virtual void close() = 0;

  // Now. Pending output is dropped; a TCP peer sees a reset, a Unix peer an end.
  virtual void abort(std::error_code why = {}) = 0;

  // close() or abort() was called, or core is ending the connection.
  virtual bool closing() const = 0;

  // Bytes written and not yet taken by the kernel. TLS ciphertext counts.
  virtual std::size_t pending() const = 0;
  virtual bool full() const = 0;  // Flow::full was the last answer, and on_drain is to come.

  // Stops reading; a flag, not a count. What was read and not used stays. Unused bytes and EOF come
  // after resume().
  virtual void pause() = 0;
  virtual void resume() = 0;
  virtual bool paused() const = 0;  // pause() was called and not resume().

  // On by default: above the high mark nothing is read, so that a peer which does not read its
  // answers cannot make this process buffer them. A relay turns it off.
  virtual void hold_reads_when_full(bool) = 0;

  // Silence both ways after which on_idle comes, while not paused; 0 turns it off; at most 24 days.
  virtual void set_idle(Millis) = 0;

  // Secures the connection in place. What was written before leaves in clear; unread bytes abort
  // with tls_injection; then on_secure comes. Throws SetupError if the options are unusable.
  virtual void start_tls(const TlsOptions&) = 0;
  virtual bool securing() const = 0;       // A TLS handshake is to come, or under way.
  virtual const TlsInfo* tls() const = 0;  // Null on a plain connection.

  virtual Address peer() const = 0;
  virtual Address local() const = 0;  // Asks the kernel.

  virtual Loop& loop() = 0;
  virtual std::uint64_t id() const = 0;  // Unique in the process, never used again.
  virtual std::uint64_t bytes_in() const = 0;
  virtual std::uint64_t bytes_out() const = 0;  // Taken by the kernel.

  // The name to give to other threads.
  virtual ConnectionRef ref() = 0;

 protected:
  ~Connection() = default;
};

}  // namespace weir
