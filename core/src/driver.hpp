// What a loop needs from below: readiness, time, wake-up, lookups. One driver runs over libuv, one is
// simulated; the loop cannot tell.
//
// Sockets are numbers: descriptors in the product, table entries in the simulation. Nothing here calls
// its owner from inside a call of the owner's; results come in a later step of the driver's turn.
#pragma once

#include <optional>
#include <string>

#include <sys/uio.h>

#include <weir/address.hpp>
#include <weir/base.hpp>
#include <weir/loop.hpp>
#include <weir/url.hpp>

namespace weir {

// What a stream is ready for, and what its owner wants to hear of. Errors and hang-ups are reported
// whatever is wanted.
namespace ready {
inline constexpr unsigned kNothing = 0;
inline constexpr unsigned kRead = 1;
inline constexpr unsigned kWrite = 2;
inline constexpr unsigned kError = 4;  // Reported only: an error or a hang-up.
}  // namespace ready

// Bytes moved, 0 for the end of a stream being read, or a negative errno.
using IoResult = std::ptrdiff_t;

// Owns every stream: on_ready(what), and on_stream_gone() after close() or release(), when the stream
// may be destroyed. Not an interface: with one owner of its kind, calls into it are direct.
class ConnectionCore;

// A buffer in the kernel that bytes cross without this process seeing them. Filled only when empty.
class Pipe {
 public:
  virtual ~Pipe() = default;
  virtual std::size_t held() const = 0;                       // Bytes in it.
  virtual IoResult take_back(std::span<std::byte> into) = 0;  // Reads what it holds.
};

// What a connection reads and writes.
class Stream {
 public:
  virtual ~Stream() = default;
  virtual IoResult receive(std::span<std::byte> into) = 0;
  virtual IoResult send(const iovec* pieces, int count) = 0;
  virtual IoResult splice_in(Pipe& pipe) = 0;   // As receive(), into an empty pipe.
  virtual IoResult splice_out(Pipe& pipe) = 0;  // As send(), of what the pipe holds.
  virtual int shut_down() = 0;                  // FIN; 0 or a negative errno.
  virtual int error() = 0;  // The pending socket error, positive, taken off; 0 if none.
  // Bytes sent, FIN included, that the peer does not have yet; nothing where that is not known.
  virtual std::optional<std::uint32_t> unacknowledged() { return {}; }
  virtual void want(unsigned what) = 0;  // Cheap when nothing changes.
  virtual void close(bool reset) = 0;  // Then on_stream_gone. A Unix stream cannot reset: it ends.
  virtual int release() = 0;           // Gives the socket up as it is; then on_stream_gone.
  virtual Address local() const = 0;
  virtual std::string local_path() const { return {}; }  // Of a Unix socket, where it has one.
};

// One connected socket, never blocking. Its memory is its owner's. A type of its own because there is
// one of it in a program: calls of it, which are nearly all, are then direct (see docs/performance.md).
class SocketStream : public Stream {};

// socket is a negative errno if there was nothing to accept (-EAGAIN) or it failed.
struct Accepted {
  int socket = -1;
  Address peer;
};

class ListenOwner {
 public:
  virtual void on_acceptable() = 0;

 protected:
  ~ListenOwner() = default;
};

// A listening socket. Destroying it stops listening.
class ListenSocket {
 public:
  virtual ~ListenSocket() = default;
  virtual Accepted accept() = 0;
  virtual void want(bool acceptable) = 0;
  virtual void discard(int socket) = 0;  // Closes an accepted socket that nobody will adopt.
};

class DialOwner {
 public:
  // A connected socket, or a negative errno. The Dial is over and may be destroyed in here.
  virtual void on_dialled(int socket) = 0;

 protected:
  ~DialOwner() = default;
};

// An attempt to connect. Destroying it gives the attempt up.
class Dial {
 public:
  virtual ~Dial() = default;
  virtual int take() { return -1; }  // The socket, once, where DialResult says connected.
};

struct DialResult {
  std::unique_ptr<Dial> dial;  // Null if it failed at once,
  int error = 0;               // and this is the positive errno.
  // It is done already, as on one machine it mostly is: take() has the socket, and on_dialled() will
  // not be called.
  bool connected = false;
};

class DriverOwner {
 public:
  virtual void on_wake() = 0;
  virtual void on_alarm() = 0;
  // Just before the driver would block. True: there is more to do, do not block.
  virtual bool on_turn_end() = 0;

 protected:
  ~DriverOwner() = default;
};

class Driver {
 public:
  virtual ~Driver() = default;
  virtual void attach(DriverOwner& owner) = 0;

  virtual SteadyTime now() const = 0;  // Of this turn.
  virtual WallTime wall() const = 0;
  virtual std::uint64_t random() = 0;

  // A stream is made in memory of its owner's, right behind it: stream_size() bytes, aligned as for a
  // pointer.
  virtual std::size_t stream_size() const = 0;
  virtual SocketStream& adopt(int socket, void* memory, ConnectionCore& owner) = 0;
  virtual std::unique_ptr<ListenSocket> adopt_listener(int socket, ListenOwner& owner) = 0;

  // `address` is where to go; for a Unix URL the path is taken from the URL.
  virtual DialResult dial(const Url& url, const Address& address, DialOwner& owner) = 0;
  virtual std::unique_ptr<Pipe> make_pipe() = 0;  // Null: the system has none, or no more.
  virtual void resolve(std::string host, Resolved answer) = 0;
  virtual void work(Task blocking, Task then) = 0;  // Neither throws.

  virtual void wake() = 0;  // Any thread: on_wake soon, once for several calls.
  virtual void set_alarm(SteadyTime at) = 0;
  virtual void clear_alarm() = 0;

  virtual void run() = 0;   // Turns until stop().
  virtual void stop() = 0;  // On the loop's thread.
};

}  // namespace weir
