// The server over real sockets: listeners, loops, limits, draining.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>

#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <weir/framing.hpp>
#include <weir/server.hpp>

#include "echo_service.hpp"
#include "real_client.hpp"

using namespace weir;
using weir::test::echo_at;
using weir::test::kEcho;
using weir::test::RealClient;
using weir::test::RunningServer;

namespace {

// Answers each line with the loop's address, so that a test sees who serves it.
class Where final : public LineHandler {
  void on_line(Connection& self, std::string_view) override {
    self.write(std::to_string(reinterpret_cast<std::uintptr_t>(&self.loop())) + "\n");
  }
};

constexpr ServiceType kWhere = handler_type<Where>("where", "Tells which loop serves.");

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

std::string scratch(std::string_view name) {
  return "/tmp/weir-test-" + std::to_string(::getpid()) + "-" + std::string(name);
}

}  // namespace

TEST_CASE("server: echoes over TCP and Unix sockets and drains to 0", "[loops]") {
  const std::string path = scratch("both");
  { const Server first; }  // libuv keeps a pipe for signals once a loop was made.
  const std::size_t before = open_descriptors();
  {
    Listen service = echo_at("tcp://127.0.0.1:0");
    service.at.push_back(Url::parse("unix://" + path));
    ServerOptions options;
    options.loops = 2;
    RunningServer running(options, {kEcho}, {service});
    for (std::size_t i = 0; i < 2; ++i) {
      RealClient client(running.url(i));
      REQUIRE(client.connected());

      client.send("hello");

      CHECK(client.read(5) == "hello");
      client.end();
      CHECK(client.read_all().empty());
      CHECK(client.ended());
    }
    CHECK(running.stop() == 0);
  }
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK(open_descriptors() == before);
}

TEST_CASE("server: connections spread over the loops", "[loops]") {
  Listen service = echo_at("tcp://127.0.0.1:0");
  service.speak = "where";
  ServerOptions options;
  options.loops = 3;
  RunningServer running(options, {kWhere}, {service});
  std::vector<std::unique_ptr<RealClient>> clients;
  std::map<std::string, int> loops;

  for (int i = 0; i < 30; ++i) {
    clients.push_back(std::make_unique<RealClient>(running.url()));
    clients.back()->send("?\n");
    std::string answer;
    while (answer.empty() || answer.back() != '\n') {
      const std::string byte = clients.back()->read(1);
      REQUIRE(byte.size() == 1);
      answer += byte;
    }
    ++loops[answer];
  }

  REQUIRE(loops.size() == 3);
  for (const auto& [loop, count] : loops) CHECK(count == 10);
}

TEST_CASE("server: over the connection limit a peer is closed at once and counted", "[loops]") {
  ServerOptions options;
  options.connections = 5;
  RunningServer running(options, {kEcho}, {echo_at("tcp://127.0.0.1:0")});
  std::vector<std::unique_ptr<RealClient>> served;
  for (int i = 0; i < 5; ++i) {
    served.push_back(std::make_unique<RealClient>(running.url()));
    served.back()->send("x");
    REQUIRE(served.back()->read(1) == "x");
  }

  for (int i = 0; i < 7; ++i) {
    RealClient shed(running.url());
    CHECK(shed.read_all().empty());
    CHECK((shed.ended() || shed.was_reset()));
  }

  CHECK(running.server().counters().refused_limit == 7);
  CHECK(running.server().counters().accepted == 5);
  served.front()->send("y");
  CHECK(served.front()->read(1) == "y");
}

TEST_CASE("server: there is room again once a connection has gone", "[loops]") {
  ServerOptions options;
  options.connections = 1;
  RunningServer running(options, {kEcho}, {echo_at("tcp://127.0.0.1:0")});
  for (int i = 0; i < 20; ++i) {
    RealClient client(running.url());
    client.send("a");
    REQUIRE(client.read(1) == "a");
    client.end();
    client.read_all();
    // The server's side is gone before the client sees its FIN only if the count is kept with it.
    while (running.server().counters().connections > 0) std::this_thread::yield();
  }
  CHECK(running.server().counters().refused_limit == 0);
}

TEST_CASE("server: output that was pending at stop is delivered whole", "[loops]") {
  class Flood final : public Handler {
    void on_open(Connection& self) override { self.write(std::string(4 << 20, 'f')); }
  };
  Listen service = echo_at("tcp://127.0.0.1:0");
  service.speak = "flood";
  RunningServer running({}, {handler_type<Flood>("flood", "Writes 4 MiB at once.")}, {service});
  RealClient client(running.url());
  REQUIRE(client.read(1) == "f");

  running.server().stop();

  CHECK(client.read_all().size() == (4u << 20) - 1);
  CHECK(client.ended());
  client.close();
  CHECK(running.join() == 0);
}

TEST_CASE("server: what does not end by the drain deadline is aborted and the result is 1",
          "[loops]") {
  class Stays final : public Handler {
    void on_stop(Connection&) override {}
  };
  Listen service = echo_at("tcp://127.0.0.1:0");
  service.speak = "stays";
  ServerOptions options;
  options.drain = Millis{50};
  RunningServer running(options, {handler_type<Stays>("stays", "Ignores stop.")}, {service});
  RealClient client(running.url());
  REQUIRE(client.connected());
  while (running.server().counters().accepted == 0) std::this_thread::yield();

  CHECK(running.stop() == 1);
  client.read_all();
  CHECK(client.was_reset());
}

TEST_CASE("server: a handler that reconnects for ever does not outlive the drain deadline",
          "[loops]") {
  class Again final : public Handler {
   public:
    void on_open(Connection& self) override { self.set_idle(Millis{0}); }
    void on_stop(Connection&) override {}
    void on_close(Connection& self, const CloseReason&) override {
      self.loop().connect({.to = target()}, std::make_unique<Again>());
    }
    static Url& target() {
      static Url url;
      return url;
    }
  };
  Listen service = echo_at("tcp://127.0.0.1:0");
  service.speak = "again";
  ServerOptions options;
  options.loops = 2;
  options.drain = Millis{100};
  RunningServer running(options, {handler_type<Again>("again", "Always comes back.")}, {service});
  Again::target() = running.url();
  RealClient client(running.url());
  while (running.server().counters().accepted == 0) std::this_thread::yield();

  CHECK(running.stop() == 1);
  CHECK(running.server().counters().connections == 0);
}

TEST_CASE("server: full batches of posts lose no wake-up, and the loop still stops", "[loops]") {
  for (const int count : {1024, 2047, 2048, 2049, 3072}) {
    ServerOptions options;
    options.signals = false;
    Server server(options);
    std::atomic<int> ran = 0;
    for (int i = 0; i < count; ++i) {
      server.loop().post([&, i] {
        ++ran;
        if (i == 0) server.loop().post([&ran] { ++ran; });
      });
    }
    std::thread thread([&server] { server.run(); });
    while (ran < count + 1) std::this_thread::yield();
    server.loop().post([&ran] { ++ran; });
    while (ran < count + 2) std::this_thread::yield();

    server.stop();
    thread.join();

    CHECK(ran == count + 2);
  }
}

TEST_CASE("server: what the start throws reaches the caller, whatever the loops", "[loops]") {
  for (const unsigned loops : {1u, 3u}) {
    ServerOptions options;
    options.loops = loops;
    options.signals = false;
    options.on_ready = [] { throw SetupError("not ready after all"); };
    Server server(options);
    server.add(kEcho);
    server.listen(echo_at("tcp://127.0.0.1:0"));

    CHECK_THROWS_WITH(server.run(), "not ready after all");
    CHECK_THROWS_WITH(server.run(), "a server runs once: make another one");
  }
}

TEST_CASE("server: sizes and times out of range are refused when listening") {
  Server server;
  server.add(kEcho);
  Listen service = echo_at("tcp://127.0.0.1:0");
  SECTION("a time of more than 24 days") {
    service.timeouts.idle = Millis{4'294'967'297};
    CHECK_THROWS_WITH(server.listen(service), "echo: idle is 4294967297 ms, expected 0 to 24 days");
  }
  SECTION("a low mark above the high one") {
    service.limits.write_low = service.limits.write_high + 1;
    CHECK_THROWS_WITH(server.listen(service),
                      "echo: write-low is 16385, expected at most write-high, which is 16384");
  }
}

TEST_CASE("server: a file beside the socket's path that was there before stays") {
  const std::string path = scratch("kept");
  { std::ofstream(path + ".lock") << "precious\n"; }
  {
    Server server;
    server.add(kEcho);
    server.listen(echo_at("unix://" + path));
  }

  std::string kept;
  std::ifstream(path + ".lock") >> kept;
  CHECK(kept == "precious");
  std::filesystem::remove(path + ".lock");
}

TEST_CASE("server: a second stop aborts at once", "[loops]") {
  class Stays final : public Handler {
    void on_stop(Connection&) override {}
  };
  Listen service = echo_at("tcp://127.0.0.1:0");
  service.speak = "stays";
  RunningServer running({}, {handler_type<Stays>("stays", "Ignores stop.")}, {service});
  RealClient client(running.url());
  while (running.server().counters().accepted == 0) std::this_thread::yield();

  running.server().stop();
  running.server().stop();

  CHECK(running.join() == 1);
}

TEST_CASE("server: a connection's name may be posted to from another thread, also too late",
          "[loops]") {
  struct Shared {
    std::mutex mutex;
    ConnectionRef ref;
    std::promise<void> opened;
  };
  static Shared shared;
  shared.opened = {};
  class Named final : public Handler {
    void on_open(Connection& self) override {
      const std::lock_guard lock(shared.mutex);
      shared.ref = self.ref();
      shared.opened.set_value();
    }
  };
  Listen service = echo_at("tcp://127.0.0.1:0");
  service.speak = "named";
  ConnectionRef ref;
  {
    RunningServer running({}, {handler_type<Named>("named", "Gives its name away.")}, {service});
    RealClient client(running.url());
    shared.opened.get_future().wait();
    {
      const std::lock_guard lock(shared.mutex);
      ref = shared.ref;
    }

    ref.post([](Connection& self) {
      self.write("from afar");
      self.end();
    });

    CHECK(client.read_all() == "from afar");
    client.close();
    while (running.server().counters().connections > 0) std::this_thread::yield();
    std::atomic<bool> ran = false;
    ref.post([&ran](Connection&) { ran = true; });
    running.stop();
    CHECK_FALSE(ran);
  }
  ref.post([](Connection& self) { self.close(); });  // Its loop is gone.
}

TEST_CASE("server: a service that cannot be opened stops the start with its sentence", "[loops]") {
  class Unopened final : public Protocol {
    std::unique_ptr<Service> open(Loop&) override { throw SetupError("the table is missing"); }
  };
  ServerOptions options;
  options.loops = 2;
  options.signals = false;
  Server server(options);
  server.add(protocol_type<Unopened>("unopened", "Cannot be opened."));
  Listen service;
  service.at = {Url::parse("tcp://127.0.0.1:0")};
  service.speak = "unopened";
  server.listen(service);

  CHECK_THROWS_WITH(server.run(), "the table is missing");
}

TEST_CASE("server: one that never runs still tells its outgoing connection that it ends") {
  class Told final : public Handler {
   public:
    explicit Told(int& closed) : closed_(closed) {}
    void on_close(Connection&, const CloseReason& reason) override {
      if (reason.code == CloseReason::Code::stopping) ++closed_;
    }

   private:
    int& closed_;
  };
  int closed = 0;
  {
    Server target;
    target.add(kEcho);
    target.listen(echo_at("tcp://127.0.0.1:0"));
    Server server;
    server.loop().connect({.to = target.bound().front().url}, std::make_unique<Told>(closed));
  }
  CHECK(closed == 1);
}

TEST_CASE("server: an address in use is refused with the URL and the reason") {
  Server first;
  first.add(kEcho);
  first.listen(echo_at("tcp://127.0.0.1:0"));
  const std::string url = first.bound().front().url.text();
  Server second;
  second.add(kEcho);

  try {
    second.listen(echo_at(url));
    FAIL("it was bound twice");
  } catch (const SetupError& error) {
    CHECK(error.what() == "cannot listen on " + url + ": Address already in use");
    CHECK(error.kind() == SetupError::Kind::unavailable);
  }
}

TEST_CASE("server: of several URLs none stays bound when one cannot be had") {
  const std::string path = scratch("half");
  Server server;
  server.add(kEcho);
  Listen service = echo_at("unix://" + path);
  service.at.push_back(Url::parse("tcp://192.0.2.1:9"));

  CHECK_THROWS_AS(server.listen(service), SetupError);
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK(server.bound().empty());
}

TEST_CASE("server: an unknown protocol names the nearest one") {
  Server server;
  server.add(kEcho);
  Listen service = echo_at("tcp://127.0.0.1:0");
  service.speak = "ehco";

  CHECK_THROWS_WITH(server.listen(service),
                    "there is no protocol \"ehco\", did you mean \"echo\"?");
}

TEST_CASE("server: one dual-stack socket answers IPv4 and IPv6 on every address", "[loops]") {
  RunningServer running({}, {kEcho}, {echo_at("tcp://*:0")});
  RealClient client(running.url());  // Over 127.0.0.1.
  client.send("4");
  CHECK(client.read(1) == "4");

  const int six = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(running.url().port());
  to.sin6_addr = in6addr_loopback;
  if (::connect(six, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
    WARN("this machine has no IPv6 loopback: " << std::strerror(errno));
  }
  ::close(six);
}

TEST_CASE("server: a Unix socket's node has its final mode and never more than asked") {
  const std::string path = scratch("mode");
  struct stat node {};
  SECTION("0600 unless told") {
    Server server;
    server.add(kEcho);
    server.listen(echo_at("unix://" + path));
    REQUIRE(::stat(path.c_str(), &node) == 0);
    CHECK((node.st_mode & 0777) == 0600);
  }
  SECTION("as told, whatever the umask") {
    const mode_t before = ::umask(077);
    {
      Server server;
      server.add(kEcho);
      server.listen(echo_at("unix://" + path + "?mode=0660"));
      REQUIRE(::stat(path.c_str(), &node) == 0);
    }
    ::umask(before);
    CHECK((node.st_mode & 0777) == 0660);
  }
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK_FALSE(std::filesystem::exists(path + ".lock"));
}
