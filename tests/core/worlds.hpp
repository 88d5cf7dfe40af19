// Where a case runs: over the simulated network, or with a real server over TCP or Unix sockets, each
// in the transport that WEIR_TRANSPORT names. The body of a case is the same.
#pragma once

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <weir/testing.hpp>

#include "wire.hpp"

namespace weir::worlds {

enum class Kind { simulated, simulated_unix, tcp, unix_stream };

inline const char* name(Kind kind) {
  constexpr const char* names[] = {"simulated", "simulated unix", "tcp", "unix"};
  return names[static_cast<std::size_t>(kind)];
}

inline bool is_unix(Kind kind) { return kind == Kind::simulated_unix || kind == Kind::unix_stream; }

// The far side of a connection. It reads nothing until it is told to.
class Client {
 public:
  virtual ~Client() = default;
  virtual void send(std::string_view text) = 0;
  virtual void end() = 0;          // FIN.
  virtual std::string read() = 0;  // Everything up to the end.
  virtual bool was_reset() const = 0;
  virtual void close() = 0;
};

class World {
 public:
  virtual ~World() = default;
  virtual Client& connect() = 0;
  virtual bool wait(const std::function<bool()>& holds) = 0;  // False: it did not come about.
  virtual void stop() = 0;                                    // Begins to drain.
  virtual bool over() = 0;  // Waits for the end of it; false: something was left.
};

// What a loop's thread tells the test's.
class Signal {
 public:
  template <class F>
  void change(F&& what) {
    const std::lock_guard lock(mutex_);
    what();
    changed_.notify_all();
  }

  bool wait(const std::function<bool()>& holds) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), holds);
  }

  bool look(const std::function<bool()>& holds) {
    const std::lock_guard lock(mutex_);
    return holds();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

class SimClient final : public Client {
 public:
  SimClient(testing::Net& net, testing::Peer& peer) : net_(net), peer_(peer) {
    peer_.room(0);
    peer_.stall();
  }
  void send(std::string_view text) override { peer_.send(text); }
  void end() override { peer_.end(); }
  std::string read() override {
    peer_.room(64 << 10);
    peer_.unstall();
    net_.run();
    return peer_.take();
  }
  bool was_reset() const override { return peer_.was_reset(); }
  void close() override { peer_.close(); }

 private:
  testing::Net& net_;
  testing::Peer& peer_;
};

class SimWorld final : public World {
 public:
  SimWorld(const ServiceType& type, const Limits& limits, bool unix_sockets, Signal& signal)
      : net_({.limits = limits, .unix_sockets = unix_sockets, .automatic = false}),
        service_(net_.open(type)),
        signal_(signal) {}

  Client& connect() override { return clients_.emplace_back(net_, net_.connect(service_)); }

  bool wait(const std::function<bool()>& holds) override {
    for (int i = 0; i < 1'000; ++i) {
      net_.run();
      if (signal_.look(holds)) return true;
      net_.advance(Millis{1});
    }
    return false;
  }

  void stop() override { net_.stop(); }

  bool over() override {
    if (!net_.stopped()) net_.stop();
    net_.run();
    return net_.stopped() && net_.leftovers().empty();
  }

 private:
  testing::Net net_;
  Service& service_;
  Signal& signal_;
  std::list<SimClient> clients_;
};

class SocketClient final : public Client {
 public:
  explicit SocketClient(const Url& url) : wire_(connected(url), test::Wire::client_of(url)) {
    wire_.shake();
  }

  void send(std::string_view text) override {
    while (!text.empty()) {
      const ssize_t sent = wire_.send(text);
      if (sent <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void end() override { wire_.shut_down(); }

  std::string read() override {
    std::string all;
    std::string piece(64 << 10, '\0');
    for (;;) {
      const ssize_t got = wire_.recv(piece.data(), piece.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) reset_ = errno == ECONNRESET;
      if (got <= 0) return all;
      all.append(piece, 0, static_cast<std::size_t>(got));
    }
  }

  bool was_reset() const override { return reset_; }
  void close() override { wire_.close(); }

 private:
  static int connected(const Url& url) {
    const int socket = ::socket(url.is_unix() ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int small = 64 << 10;  // So that what is not read stays pending at the other end.
    ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    const int result = url.is_unix() ? connect_unix(socket, url) : connect_tcp(socket, url);
    if (result != 0) throw std::runtime_error("cannot connect to " + url.text());
    return socket;
  }

  static int connect_tcp(int socket, const Url& url) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(url.port());
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  }

  static int connect_unix(int socket, const Url& url) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::strncpy(to.sun_path, url.path().c_str(), sizeof to.sun_path - 1);
    return ::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  }

  test::Wire wire_;
  bool reset_ = false;
};

class ServerWorld final : public World {
 public:
  ServerWorld(const ServiceType& type, const Limits& limits, bool unix_sockets, Signal& signal)
      : signal_(signal), server_(options()) {
    server_.add(type);
    const Url at = Url::parse(unix_sockets ? "unix://" + socket_path() : "tcp://127.0.0.1:0");
    Listen listen{{testing::listen_in(testing::asked_transport(), at)}, type.name};
    listen.limits = limits;
    server_.listen(listen);
    thread_ = std::thread([this] { result_ = server_.run(); });
    signal_.wait([this] { return ready_; });
  }

  ~ServerWorld() override {
    over();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  Client& connect() override { return clients_.emplace_back(server_.bound().at(0).url); }
  bool wait(const std::function<bool()>& holds) override { return signal_.wait(holds); }
  void stop() override { server_.stop(); }

  bool over() override {
    if (!thread_.joinable()) return result_ == 0;
    server_.stop();
    thread_.join();
    return result_ == 0 && server_.counters().connections == 0;
  }

 private:
  ServerOptions options() {
    ServerOptions options;
    options.signals = false;
    options.log = [](const LogLine&) {};
    options.on_ready = [this] { signal_.change([this] { ready_ = true; }); };
    return options;
  }

  std::string socket_path() {
    std::string pattern = (std::filesystem::temp_directory_path() / "weir-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = pattern;
    return folder_ + "/socket";
  }

  Signal& signal_;
  std::string folder_;
  bool ready_ = false;
  int result_ = -1;
  Server server_;
  std::thread thread_;
  std::list<SocketClient> clients_;
};

inline std::unique_ptr<World> make(Kind kind, const ServiceType& type, const Limits& limits,
                                   Signal& signal) {
  if (kind == Kind::simulated || kind == Kind::simulated_unix) {
    return std::make_unique<SimWorld>(type, limits, is_unix(kind), signal);
  }
  return std::make_unique<ServerWorld>(type, limits, is_unix(kind), signal);
}

}  // namespace weir::worlds
