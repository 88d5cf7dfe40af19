// A blocking client over real sockets, with a deadline on everything it waits for, and a server that
// runs on a thread of its own.
#pragma once

#include <cerrno>
#include <cstring>
#include <future>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <weir/server.hpp>

#include "wire.hpp"

namespace weir::test {

inline constexpr int kPatience = 20'000;  // Milliseconds; nothing here takes a tenth of it.

class RealClient {
 public:
  explicit RealClient(const Url& url) : RealClient(url, dial(url)) {}

  bool connected() const { return connected_; }
  int socket() const { return wire_.socket(); }

  bool send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = wire_.send(text);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void end() { wire_.shut_down(); }
  void reset() { wire_.reset(); }
  void close() { wire_.close(); }

  // As recv(2), and whether it has something although the socket has not.
  ssize_t recv(char* into, std::size_t size) { return wire_.recv(into, size); }
  bool holds() const { return wire_.holds(); }
  // Exactly so many bytes, or what there was before the end.
  std::string read(std::size_t size) {
    std::string got;
    while (got.size() < size && fill(got, size - got.size())) {
    }
    return got;
  }
  // Everything up to the end; then how it ended.
  std::string read_all() {
    std::string got;
    while (fill(got, 64 << 10)) {
    }
    return got;
  }
  bool ended() const { return ended_; }
  bool was_reset() const { return reset_; }

 private:
  struct Dialled {
    int socket;
    bool connected;
  };

  RealClient(const Url& url, Dialled dialled)
      : connected_(dialled.connected),
        wire_(dialled.socket, connected_ ? Wire::client_of(url) : Wire::Speaks::plain) {
    wire_.shake();
  }

  static Dialled dial(const Url& url) {
    Dialled dialled{::socket(url.is_unix() ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                    false};
    if (url.is_unix()) {
      sockaddr_un to{};
      to.sun_family = AF_UNIX;
      std::memcpy(to.sun_path, url.path().c_str(), url.path().size() + 1);
      dialled.connected =
          ::connect(dialled.socket, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    } else {
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(url.port());
      to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      dialled.connected =
          ::connect(dialled.socket, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    }
    const timeval patience{kPatience / 1'000, 0};
    ::setsockopt(dialled.socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return dialled;
  }

  bool fill(std::string& into, std::size_t most) {
    pollfd look{socket(), POLLIN, 0};
    if (!wire_.holds() && ::poll(&look, 1, kPatience) <= 0) return false;
    std::string piece(most, '\0');
    const ssize_t got = wire_.recv(piece.data(), piece.size());
    ended_ = got == 0;
    reset_ = got < 0 && (errno == ECONNRESET || errno == EPIPE);
    if (got <= 0) return false;
    into.append(piece, 0, static_cast<std::size_t>(got));
    return true;
  }

  bool connected_;
  Wire wire_;
  bool ended_ = false;
  bool reset_ = false;
};

// Serves from construction on; stop() drains and returns run()'s result.
class RunningServer {
 public:
  RunningServer(ServerOptions options, const std::vector<ServiceType>& types,
                const std::vector<Listen>& services) {
    std::promise<void> ready;
    std::future<void> is_ready = ready.get_future();
    options.signals = false;
    if (!options.log) options.log = [](const LogLine&) {};
    options.on_ready = [&ready] { ready.set_value(); };
    server_ = std::make_unique<Server>(options);
    for (const ServiceType& type : types) server_->add(type);
    for (Listen service : services) {
      for (Url& at : service.at) at = testing::listen_in(testing::asked_transport(), at);
      server_->listen(service);
    }
    bound_ = server_->bound();
    thread_ = std::thread([this] { result_ = server_->run(); });
    is_ready.wait();
  }
  ~RunningServer() {
    if (thread_.joinable()) stop();
  }

  const Url& url(std::size_t index = 0) const { return bound_.at(index).url; }
  Server& server() { return *server_; }
  int stop() {
    server_->stop();
    return join();
  }
  int join() {
    if (thread_.joinable()) thread_.join();
    return result_;
  }

 private:
  std::unique_ptr<Server> server_;
  std::vector<Bound> bound_;
  std::thread thread_;
  int result_ = -1;
};

}  // namespace weir::test
