// What a case sends and reads over a real socket, in clear or in the kit's TLS. Each call has the
// result of the system call it stands for, and so blocks where the socket does.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir/testing_tls.hpp>

namespace weir::test {

class Wire {
 public:
  enum class Speaks { plain, client, server };

  explicit Wire(int socket, Speaks speaks = Speaks::plain) : socket_(socket) {
    if (speaks == Speaks::plain) return;
    testing::TlsPeer how;
    how.version = testing::asked_transport();
    const bool client = speaks == Speaks::client;
    tls_.emplace(client ? testing::TlsEnd::Side::client : testing::TlsEnd::Side::server, how);
    flush();
  }
  ~Wire() {
    if (socket_ >= 0) ::close(socket_);
  }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  static Speaks client_of(const Url& url) { return url.is_tls() ? Speaks::client : Speaks::plain; }

  int socket() const { return socket_; }

  // The handshake is done and all that belongs to it has come, or never will.
  bool settled() const { return !tls_ || tls_->settled() || over(); }
  void shake() {  // For a socket that blocks.
    if (!tls_) return;
    while (!settled() && fill(*tls_)) {
    }
  }

  ssize_t send(std::string_view text) {
    if (!tls_) return ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
    if (over()) return failed(EPIPE);
    std::size_t taken = 0;
    while (tls_->secured() && taken < text.size() && flush()) {
      const std::string_view piece = text.substr(taken, kRecord);
      tls_->write(piece);
      taken += piece.size();
    }
    flush();
    return taken > 0 ? static_cast<ssize_t>(taken) : failed(EAGAIN);
  }

  ssize_t recv(char* into, std::size_t size) {
    if (!tls_) return ::recv(socket_, into, size, 0);
    while (plain_.empty() && !over()) {
      if (!fill(*tls_) && plain_.empty() && !over()) return failed(EAGAIN);
    }
    if (plain_.empty()) return tls_->ended() && error_ == 0 ? 0 : failed(error_);
    size = std::min(size, plain_.size());
    std::memcpy(into, plain_.data(), size);
    plain_.erase(0, size);
    return static_cast<ssize_t>(size);
  }

  // Whether there may be something that the socket has given up already.
  bool holds() const { return tls_ && (!plain_.empty() || !rest_.empty() || over()); }

  void shut_down() {
    if (tls_) tls_->notify();
    fin_ = true;
    flush();
  }

  // As close(2) of a socket with unread input, this resets then, and no goodbye goes before that. What
  // was taken by send() is still sent.
  void close() {
    if (socket_ < 0) return;
    int unread = 0;
    ::ioctl(socket_, FIONREAD, &unread);
    if (tls_ && unread == 0 && rest_.empty()) tls_->notify();
    closing_ = true;
    flush();
  }

  void reset() {
    if (tls_ && is_unix()) return close();  // As the kit's peers: such a socket cannot.
    const linger now{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }

  // Sends what waits; false: the socket does not take it. Then it is to be called again.
  bool flush() {
    if (tls_) out_ += tls_->ciphertext();
    while (!out_.empty() && socket_ >= 0) {
      const ssize_t sent = ::send(socket_, out_.data(), out_.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0 && errno == EAGAIN) return false;
      if (sent < 0) out_.clear();  // What had come before the error is still to be read.
      if (sent > 0) out_.erase(0, static_cast<std::size_t>(sent));
    }
    if (fin_ && socket_ >= 0) ::shutdown(socket_, SHUT_WR);
    fin_ = false;
    if (closing_ && socket_ >= 0) ::close(std::exchange(socket_, -1));
    return true;
  }

 private:
  static constexpr std::size_t kRecord = 16 << 10;

  static ssize_t failed(int error) {
    errno = error;
    return -1;
  }

  bool over() const { return eof_ || error_ != 0; }

  // Takes what there is; false: nothing, and it was not the end.
  bool fill(testing::TlsEnd& tls) {
    if (rest_.empty()) {
      char piece[64 << 10];
      const ssize_t got = ::recv(socket_, piece, sizeof piece, 0);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) return errno == EINTR;
      if (got < 0) error_ = errno;
      if (got == 0) ended(tls);
      if (got <= 0) return true;
      rest_.assign(piece, static_cast<std::size_t>(got));
    }
    std::size_t used = 0;
    const bool shakes = !tls.settled();  // Then what comes behind it waits to be asked for.
    do {
      used += tls.feed(std::string_view(rest_).substr(used));
    } while (used < rest_.size() && (!shakes || !tls.settled()));
    rest_.erase(0, used);
    plain_ += tls.take();
    if (tls.failed()) error_ = EPROTO;
    flush();
    return true;
  }

  // Over a Unix socket the end without close_notify is all that tells of a reset.
  void ended(testing::TlsEnd& tls) {
    eof_ = true;
    tls.eof();
    if (tls.truncated()) error_ = is_unix() ? ECONNRESET : EPROTO;
  }

  bool is_unix() const {
    int domain = 0;
    socklen_t size = sizeof domain;
    return ::getsockopt(socket_, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
  }

  int socket_;
  std::optional<testing::TlsEnd> tls_;
  std::string rest_;   // Read from the socket, and not fed to TLS.
  std::string plain_;  // Decrypted, and not asked for.
  std::string out_;
  int error_ = 0;
  bool eof_ = false;
  bool fin_ = false;
  bool closing_ = false;
};

}  // namespace weir::test
