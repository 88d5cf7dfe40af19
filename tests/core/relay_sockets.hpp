// A relayed pair over real sockets: a server on a thread of its own, and both ends held by the test's
// thread, which looks at all of them in turn and blocks at none.
#pragma once

#include "relay_worlds.hpp"

namespace weir::relay_worlds {

// A client, a backend's listener, or one of its connections.
inline int open_socket(bool unix_sockets) {
  const int socket = ::socket(unix_sockets ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int small = 64 << 10;  // So that what is not read stays pending in the relay.
  ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  return socket;
}

inline void never_block(int socket) { ::fcntl(socket, F_SETFL, O_NONBLOCK); }

template <class Call>
int with_address(const Url& url, Call call) {
  if (url.is_unix()) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::strncpy(at.sun_path, url.path().c_str(), sizeof at.sun_path - 1);
    return call(reinterpret_cast<const sockaddr*>(&at), socklen_t{sizeof at});
  }
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(url.port());
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return call(reinterpret_cast<const sockaddr*>(&at), socklen_t{sizeof at});
}

inline void must(int result, const char* what) {
  if (result < 0) throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

inline int dial(const Url& url, bool blocking) {
  const int socket = open_socket(url.is_unix());
  if (!blocking) never_block(socket);
  const int result = with_address(
      url, [&](const sockaddr* to, socklen_t size) { return ::connect(socket, to, size); });
  if (blocking) must(result, "connect");
  never_block(socket);
  return socket;
}

class SocketEnd final : public End {
 public:
  SocketEnd(int socket, bool client) : wire_(socket, speaks(client)), client_(client) {
    never_block(socket);
  }

  void watch(Watch& watch) { watch_ = &watch; }
  void end() override { wire_.shut_down(); }
  void close() override { wire_.close(); }
  void reset() override { wire_.reset(); }
  void stall() override {
    stalled_ = true;
    fresh_ = watch_->asked + 1;
  }
  void unstall() override { stalled_ = false; }
  bool ended() const override { return ended_; }
  bool was_reset() const override { return reset_; }
  const std::string& text() override { return text_; }

  // Asks the loop; the answer is there when it is asked again. Only one to a question since stall()
  // counts, and only with something here that was not read: else closing would be no reset.
  std::size_t pending() override {
    ask();
    bool holds = false;
    board->signal.look([&] {
      const bool said = client_ ? watch_->holds_down : watch_->holds_up;
      return holds = said && watch_->answered >= fresh_;
    });
    int unread = 0;
    ::ioctl(wire_.socket(), FIONREAD, &unread);
    return holds && unread > 0 ? 1 : 0;
  }

  // The relay has both ends, and knows it.
  bool joined() {
    ask();
    bool joined = false;
    board->signal.look([&] { return joined = watch_->joined; });
    return joined;
  }

  std::optional<CloseReason> reason() override {
    std::optional<CloseReason> reason;
    board->signal.change([&] {
      if (client_ && watch_->closes > 0) reason = watch_->reason;
    });
    return reason;
  }

  // What to poll for, and what to do then.
  pollfd look() const {
    const bool reads = !stalled_ && !over();
    return {stalled_ || reset_ ? -1 : wire_.socket(), static_cast<short>(reads ? POLLIN : 0), 0};
  }
  bool settled() const { return wire_.settled(); }
  void pump() {
    wire_.flush();
    if (wire_.socket() < 0 || stalled_) return;
    while (!over() && read_some()) {
    }
    // Behind a FIN a reset is not read any more, but it can be asked for.
    int error = 0;
    socklen_t size = sizeof error;
    if (ended_ && ::getsockopt(wire_.socket(), SOL_SOCKET, SO_ERROR, &error, &size) == 0) {
      reset_ = reset_ || error != 0;
    }
  }

 private:
  void ask() {
    watch_->near.post([watch = watch_, question = ++watch_->asked](Connection& near) {
      board->signal.change([&] {
        watch->answered = question;
        watch->holds_up = near.paused() && near.bytes_in() > 0;
        watch->holds_down = near.pending() > 0;
        watch->joined = !near.paused();
      });
    });
  }

  static test::Wire::Speaks speaks(bool client) {
    if (testing::asked_transport() == testing::Transport::plain) return test::Wire::Speaks::plain;
    return client ? test::Wire::Speaks::client : test::Wire::Speaks::server;
  }

  std::size_t give(std::string_view bytes) override {
    const ssize_t sent = wire_.send(bytes);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
  }

  bool read_some() {
    char piece[64 << 10];
    const ssize_t got = wire_.recv(piece, sizeof piece);
    if (got > 0) text_.append(piece, static_cast<std::size_t>(got));
    ended_ = got == 0;
    reset_ = got < 0 && errno != EAGAIN && errno != EINTR;
    return got > 0;
  }

  test::Wire wire_;
  bool client_;
  Watch* watch_ = nullptr;
  int fresh_ = 0;  // The first question whose answer counts.
  bool stalled_ = false;
  bool ended_ = false;
  bool reset_ = false;
  std::string text_;
};

class SocketWorld final : public World {
 public:
  SocketWorld(bool unix_sockets, std::size_t pipes, Target target)
      : target_(target), server_(options(pipes)) {
    std::signal(SIGPIPE, SIG_IGN);  // A process in which it kills may not splice.
    std::string name = (std::filesystem::temp_directory_path() / "weir-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = name;
    listen_as_backend(unix_sockets);
    board = &board_;
    server_.add(kRelay);
    const Url at = Url::parse(unix_sockets ? "unix://" + folder_ + "/relay" : "tcp://127.0.0.1:0");
    server_.listen({{testing::listen_in(testing::asked_transport(), at)}, kRelay.name});
    thread_ = std::thread([this] {
      result_ = server_.run();
      finished_ = true;
    });
    board_.signal.wait([this] { return ready_; });
  }

  ~SocketWorld() override {
    if (thread_.joinable()) {
      server_.abort();
      thread_.join();
    }
    ends_.clear();
    ::close(listener_);
    for (const int filler : fillers_) ::close(filler);
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  Pair connect() override {
    const std::size_t before = known();
    SocketEnd& client = ends_.emplace_back(dial(server_.bound().at(0).url, true), true);
    if (!wait([&] { return known() > before; })) throw std::runtime_error("was not accepted");
    Watch* watch = nullptr;
    board_.signal.change([&] { watch = &board_.pairs.back(); });
    client.watch(*watch);
    wait([&] { return client.settled(); });
    if (target_ != Target::answers) return {&client, nullptr, watch};
    int accepted = -1;
    wait([&] { return (accepted = ::accept(listener_, nullptr, nullptr)) >= 0; });
    must(accepted, "accept");
    SocketEnd& backend = ends_.emplace_back(accepted, false);
    backend.watch(*watch);
    wait([&] { return backend.settled() && client.joined(); });
    return {&client, &backend, watch};
  }

  bool wait(const std::function<bool()>& holds) override {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < until) {
      for (SocketEnd& end : ends_) end.pump();
      if (holds()) return true;
      std::vector<pollfd> looks;
      for (const SocketEnd& end : ends_) looks.push_back(end.look());
      ::poll(looks.data(), looks.size(), 1);
    }
    return false;
  }

  Counters counters() const override { return server_.counters(); }
  void stop() override {
    if (!std::exchange(stopped_, true)) server_.stop();  // A second one would abort.
  }
  bool over() override {
    stop();
    if (!wait([this] { return finished_.load(); })) return false;
    thread_.join();
    return result_ == 0 && server_.counters().connections == 0;
  }

 private:
  ServerOptions options(std::size_t pipes) {
    ServerOptions options;
    options.signals = false;
    options.pipes_max = pipes;
    options.log = [](const LogLine&) {};
    options.on_ready = [this] { board_.signal.change([this] { ready_ = true; }); };
    return options;
  }

  std::size_t known() {
    std::size_t size = 0;
    board_.signal.change([&] { size = board_.pairs.size(); });
    return size;
  }

  void listen_as_backend(bool unix_sockets) {
    Url at = Url::parse(unix_sockets ? "unix://" + folder_ + "/backend" : "tcp://127.0.0.1:0");
    listener_ = open_socket(unix_sockets);
    never_block(listener_);
    must(with_address(at, [&](auto... to) { return ::bind(listener_, to...); }), "bind");
    if (!unix_sockets) {
      sockaddr_in bound{};
      socklen_t size = sizeof bound;
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&bound), &size);
      at = at.with_port(ntohs(bound.sin_port));
    }
    board_.to = {{testing::dial_in(testing::asked_transport(), at), kDialTime}};
    if (target_ == Target::refuses) return;  // Bound, so that nobody else answers there.
    must(::listen(listener_, target_ == Target::hangs ? 0 : 16), "listen");
    // With its queue full, it answers nobody.
    for (int i = 0; target_ == Target::hangs && i < 2; ++i) fillers_.push_back(dial(at, false));
  }

  Target target_;
  Board board_;
  std::string folder_;
  bool ready_ = false;
  bool stopped_ = false;
  int listener_ = -1;
  std::vector<int> fillers_;
  int result_ = -1;
  std::atomic<bool> finished_ = false;
  Server server_;
  std::thread thread_;
  std::list<SocketEnd> ends_;
};

inline std::unique_ptr<World> make(Kind kind, std::size_t pipes, Target target = Target::answers) {
  if (kind == Kind::simulated || kind == Kind::simulated_unix) {
    return std::make_unique<SimWorld>(is_unix(kind), pipes, target);
  }
  return std::make_unique<SocketWorld>(is_unix(kind), pipes, target);
}

}  // namespace weir::relay_worlds
