// What waits: for sockets, for wake-ups, for its alarm and for libuv.
#include <atomic>
#include <csignal>
#include <functional>
#include <optional>
#include <vector>

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "../../core/src/reactor.hpp"
#include "../../core/src/uv_driver.hpp"
#include "echo_service.hpp"
#include "real_client.hpp"

using namespace weir;
using weir::test::RealClient;
using weir::test::RunningServer;

namespace {

// Two connected sockets, closed at the end.
class Ends {
 public:
  Ends() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_) == 0); }
  ~Ends() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  int here() const { return ends_[0]; }
  void say() { REQUIRE(::write(ends_[1], "x", 1) == 1); }

 private:
  int ends_[2] = {-1, -1};
};

// A reactor over a loop of its own. What it is told goes to the callbacks.
class Turning final : public DriverOwner {
 public:
  Turning() { reactor.attach(this); }
  ~Turning() {
    reactor.attach(nullptr);
    reactor.finish();
    uv_run(&loop.uv, UV_RUN_DEFAULT);
  }
  void on_wake() override { waked(); }
  void on_alarm() override { alarmed(); }
  bool on_turn_end() override { return ++turns, false; }

  struct Loop {
    Loop() { uv_loop_init(&uv); }
    ~Loop() { uv_loop_close(&uv); }
    uv_loop_t uv{};
  } loop;
  Reactor reactor{loop.uv};
  int turns = 0;
  std::function<void()> waked = [] {};
  std::function<void()> alarmed = [] {};
};

void call(void* task) { (*static_cast<std::function<void()>*>(task))(); }

}  // namespace

TEST_CASE("reactor: a watch that another destroys in the same turn is not told") {
  Turning turning;
  Ends first;
  Ends second;
  std::optional<Watch> one;
  std::optional<Watch> other;
  int told = 0;
  std::function<void()> on_first = [&] { ++told, other.reset(), turning.reactor.stop(); };
  std::function<void()> on_second = [&] { ++told, one.reset(), turning.reactor.stop(); };
  one.emplace(turning.reactor, first.here(), call, &on_first);
  other.emplace(turning.reactor, second.here(), call, &on_second);
  one->want(ready::kRead);
  other->want(ready::kRead);
  first.say();
  second.say();

  turning.reactor.run();

  CHECK(told == 1);
}

TEST_CASE(
    "reactor: a watch that wants nothing is told of nothing, and of all once it wants again") {
  Turning turning;
  Ends ends;
  int told = 0;
  std::function<void()> count = [&] { ++told, turning.reactor.stop(); };
  Watch watch(turning.reactor, ends.here(), call, &count);
  watch.want(ready::kRead);
  watch.want(ready::kNothing);
  ends.say();
  turning.waked = [&] { turning.reactor.stop(); };
  turning.reactor.wake();

  turning.reactor.run();
  CHECK(told == 0);
  watch.want(ready::kRead);
  turning.reactor.run();

  CHECK(told == 1);
}

TEST_CASE("reactor: wake-ups come once for several calls, and again for one made in them") {
  Turning turning;
  int waked = 0;
  turning.waked = [&] {
    if (++waked == 1) return turning.reactor.wake();
    turning.reactor.stop();
  };
  turning.reactor.wake();
  turning.reactor.wake();

  turning.reactor.run();

  CHECK(waked == 2);
}

TEST_CASE("reactor: an alarm comes once, at its time, and not when it was cleared") {
  Turning turning;
  int alarms = 0;
  const SteadyTime began = turning.reactor.now();
  turning.alarmed = [&] {
    ++alarms;
    turning.reactor.set_alarm(turning.reactor.now() + Millis{1});
    turning.reactor.clear_alarm();
    turning.reactor.wake();
  };
  turning.waked = [&] { turning.reactor.stop(); };
  turning.reactor.set_alarm(began + Millis{15});

  turning.reactor.run();

  CHECK(alarms == 1);
  CHECK(turning.reactor.now() >= began + Millis{15});
}

TEST_CASE("reactor: nothing to do takes no turns") {
  Turning turning;
  turning.alarmed = [&] { turning.reactor.stop(); };
  turning.reactor.set_alarm(turning.reactor.now() + Millis{50});

  turning.reactor.run();

  CHECK(turning.turns <= 5);
}

TEST_CASE("reactor: libuv's threads answer, and signals asked for late arrive") {
  UvDriver driver;
  struct Owner final : DriverOwner {
    void on_wake() override {}
    void on_alarm() override {}
    bool on_turn_end() override { return false; }
  } owner;
  driver.attach(owner);
  int signals = 0;
  bool worked = false;
  driver.work([] {},
              [&] {
                worked = true;
                driver.on_signals({SIGUSR2}, [&](int) { ++signals, driver.stop(); });
                driver.work([] {}, [] { std::raise(SIGUSR2); });
              });

  driver.run();

  CHECK(worked);
  CHECK(signals == 1);
}

TEST_CASE("reactor: a closed connection is silent although somebody else has its socket",
          "[loops]") {
  struct Closing final : Handler {
    std::size_t on_data(Connection& self, Bytes data) override {
      self.abort();
      return data.size();
    }
  };
  constexpr ServiceType type = handler_type<Closing>("closing", "Aborts when it hears something.");
  Listen service = test::echo_at("tcp://127.0.0.1:0");
  service.speak = "closing";
  RunningServer running(ServerOptions(), {type, test::kEcho},
                        {service, test::echo_at("tcp://127.0.0.1:0")});
  RealClient client(running.url(0));
  RealClient other(running.url(1));
  REQUIRE(other.send("accepted"));
  REQUIRE(other.read(8) == "accepted");
  std::vector<int> copies;  // Of every socket there is, the server's among them.
  for (int each = 3; each < 256; ++each) {
    const int copy = ::fcntl(each, F_DUPFD_CLOEXEC, 256);
    if (copy >= 0) copies.push_back(copy);
  }

  REQUIRE(client.send("close"));
  REQUIRE(other.send("behind"));
  REQUIRE(other.read(6) == "behind");
  client.send("nobody hears this");
  REQUIRE(other.send("behind"));
  CHECK(other.read(6) == "behind");
  for (const int copy : copies) ::close(copy);

  CHECK(running.stop() == 0);
}
