// The loop: posts, timers, names, work, draining. Rules R5 and R6.
#include <algorithm>
#include <atomic>
#include <thread>

#include <catch2/catch.hpp>

#include "scripted.hpp"

using namespace weir;

TEST_CASE("R5: posts run in their order, never inside post()") {
  std::vector<int> ran;
  testing::Net net;

  for (int i = 0; i < 5; ++i) net.loop().post([&ran, i] { ran.push_back(i); });
  CHECK(ran.empty());
  net.run();

  CHECK(ran == std::vector<int>{0, 1, 2, 3, 4});
}

TEST_CASE("R5: at most 1,024 posts run in a turn") {
  std::vector<std::uint64_t> turns;
  testing::Net net({.automatic = false});
  for (int i = 0; i < 3'000; ++i) net.loop().post([&] { turns.push_back(net.turns()); });

  net.run();

  REQUIRE(turns.size() == 3'000);
  for (const std::uint64_t turn : turns) {
    CHECK(std::count(turns.begin(), turns.end(), turn) <= 1'024);
  }
}

TEST_CASE("R5: a task that posts itself again does not keep others from their turn") {
  Events seen;
  testing::Net net({.automatic = false});
  auto& peer = net.connect(scripted(seen));
  net.run();
  int times = 0;
  std::function<void()> again = [&] {
    if (++times < 10'000) net.loop().post([&again] { again(); });
  };
  again();
  peer.send("x");

  for (int i = 0; i < 3; ++i) net.turn();

  CHECK(seen == Events{"open", "data x"});
  CHECK(times < 10'000);
}

TEST_CASE("R5: other threads may post to a loop and to a connection", "[loops]") {
  std::atomic<int> ran{0};
  Events seen;
  testing::Net net({.automatic = false});
  auto& peer = net.connect(scripted(seen));
  net.run();
  const ConnectionRef ref = peer.connection()->ref();
  Loop& loop = net.loop();
  std::vector<std::thread> threads;

  for (int who = 0; who < 4; ++who) {
    threads.emplace_back([&loop, &ran, ref] {
      for (int i = 0; i < 500; ++i) {
        loop.post([&ran] { ++ran; });
        ref.post([&ran](Connection& self) {
          self.write(std::string_view("."));
          ++ran;
        });
      }
    });
  }
  while (ran < 1'000) net.turn();
  for (std::thread& thread : threads) thread.join();
  net.run();

  CHECK(ran == 4'000);
  CHECK(peer.take() == std::string(2'000, '.'));
}

TEST_CASE("R5: a post to a connection that is closing or gone is dropped", "[loops]") {
  Events seen;
  testing::Net net;
  int ran = 0;
  auto& peer = net.connect(scripted(seen));
  const ConnectionRef ref = peer.connection()->ref();
  peer.connection()->close();

  ref.post([&ran](Connection&) { ++ran; });
  net.run();
  peer.end();
  CHECK(peer.gone());
  ref.post([&ran](Connection&) { ++ran; });
  auto& next = net.connect(scripted(seen));  // Takes the same place.
  ref.post([&ran](Connection&) { ++ran; });
  net.run();

  CHECK(ran == 0);
  CHECK(next.connection() != nullptr);
}

TEST_CASE("R5: a reference and its posts may outlive the loop", "[loops]") {
  ConnectionRef ref;
  auto owned = std::make_shared<int>(1);
  {
    Events seen;
    testing::Net net({.automatic = false});
    auto& peer = net.connect(scripted(seen));
    net.run();
    ref = peer.connection()->ref();
    net.loop().post([owned] {});
  }

  ref.post([owned](Connection&) {});

  CHECK(owned.use_count() == 1);
  ConnectionRef().post([](Connection&) {});
}

TEST_CASE("R5: what a posted task throws ends its connection") {
  Events seen;
  testing::Net net;
  auto& peer = net.connect(scripted(seen));

  peer.connection()->ref().post([](Connection&) { throw std::runtime_error("no"); });
  net.run();

  CHECK(seen == Events{"open", "close handler threw", "gone"});
}

TEST_CASE("R6: clock and randomness come from the net, and the same seed gives the same") {
  const auto run = [](std::uint64_t seed) {
    testing::Net net({.seed = seed});
    std::vector<std::uint64_t> got{net.loop().random(), net.loop().random()};
    got.push_back(static_cast<std::uint64_t>(net.loop().now().time_since_epoch().count()));
    return got;
  };

  CHECK(run(7) == run(7));
  CHECK(run(7) != run(8));
}

TEST_CASE("R6: now() and wall() move with the clock alone") {
  testing::Net net;
  const SteadyTime now = net.loop().now();
  const WallTime wall = net.loop().wall();

  net.run();
  CHECK(net.loop().now() == now);
  net.advance(Millis{1'234});

  CHECK(net.loop().now() - now == Millis{1'234});
  CHECK(net.loop().wall() - wall == Millis{1'234});
}

TEST_CASE("timers: they run in the order of their time, once, never early") {
  std::vector<int> ran;
  testing::Net net;
  const Timer late = net.loop().after(Millis{300}, [&] { ran.push_back(300); });
  const Timer early = net.loop().after(Millis{10}, [&] { ran.push_back(10); });
  const Timer now = net.loop().after(Millis{0}, [&] { ran.push_back(0); });
  const Timer negative = net.loop().after(Millis{-5}, [&] { ran.push_back(-5); });

  net.advance(Millis{9});
  CHECK(ran.size() == 2);
  net.advance(Millis{1});
  CHECK(ran.back() == 10);
  net.advance(Millis{289});
  CHECK(ran.size() == 3);
  net.advance(Millis{100'000});

  CHECK(ran.size() == 4);
}

TEST_CASE("timers: one that dies or is cancelled does not run") {
  int ran = 0;
  testing::Net net;
  {
    const Timer dies = net.loop().after(Millis{5}, [&ran] { ++ran; });
  }
  Timer cancelled = net.loop().after(Millis{5}, [&ran] { ++ran; });
  cancelled.cancel();
  cancelled.cancel();

  net.advance(Millis{100});

  CHECK(ran == 0);
}

TEST_CASE("timers: one may be set again, or die, in its own task") {
  int ran = 0;
  testing::Net net;
  Timer timer;
  std::function<void()> tick = [&] {
    if (++ran == 5) return timer.cancel();
    timer = net.loop().after(Millis{10}, [&tick] { tick(); });
  };
  timer = net.loop().after(Millis{10}, [&tick] { tick(); });

  net.advance(Millis{1'000});

  CHECK(ran == 5);
}

TEST_CASE("timers: months are kept, beyond what the wheel can hold") {
  int ran = 0;
  testing::Net net;
  const Timer timer = net.loop().after(std::chrono::hours(24 * 100), [&ran] { ++ran; });

  net.advance(std::chrono::hours(24 * 100) - Millis{1});
  CHECK(ran == 0);
  net.advance(Millis{1});

  CHECK(ran == 1);
}

TEST_CASE("timers: one may outlive its loop") {
  Timer timer;
  {
    testing::Net net;
    timer = net.loop().after(Millis{10}, [] {});
  }

  timer.cancel();
}

TEST_CASE("timers: one that repeats without a delay does not stop the loop") {
  int ran = 0;
  testing::Net net({.automatic = false});
  Timer timer;
  std::function<void()> tick = [&] {
    ++ran;
    timer = net.loop().after(Millis{0}, [&tick] { tick(); });
  };
  timer = net.loop().after(Millis{0}, [&tick] { tick(); });
  net.pass(Millis{1});

  net.turn();

  CHECK(ran >= 1);
  CHECK(ran <= 2);
}

TEST_CASE("resolve: the answer comes later, on the loop, with port 0") {
  std::vector<std::string> answers;
  testing::Net net;
  net.name("a.test", {"10.0.0.1", "::2"}, Millis{50});
  const auto told = [&answers](const Resolution& found) {
    answers.push_back(found.error);
    for (const Address& address : found.addresses) answers.push_back(address.text());
  };

  net.loop().resolve("a.test", told);
  net.loop().resolve("nowhere.test", told);
  CHECK(answers.empty());
  net.run();
  CHECK(answers.size() == 1);
  CHECK_FALSE(answers[0].empty());
  net.advance(Millis{50});

  CHECK(answers.size() == 4);
  CHECK(answers[2] == "10.0.0.1:0");
}

TEST_CASE("work: first the blocking part, then the rest on the loop") {
  std::vector<std::string> order;
  testing::Net net;

  net.loop().work([&order] { order.push_back("blocking"); }, [&order] { order.push_back("then"); });
  CHECK(order.empty());
  net.run();

  CHECK(order == std::vector<std::string>{"blocking", "then"});
}

TEST_CASE("log: lines carry the protocol's name and are escaped, low levels are dropped") {
  Events seen;
  testing::Net net({.level = Level::warn});
  auto handler = scripted(seen);
  handler->open = [](Connection& self) {
    self.loop().log(Level::info, "dropped");
    self.loop().log(Level::warn, "a\x1b[31mb\n" + std::string(5'000, 'x'));
  };
  net.connect(std::move(handler));

  REQUIRE(net.log().size() == 1);
  CHECK(net.log()[0].starts_with("warn: test: a\\x1b[31mb\\n"));
  CHECK(net.log()[0].size() <= 1'024 + 20);
}

TEST_CASE("drain: services hear first, then connections, and output is still delivered") {
  static Events order;
  order.clear();
  struct Hears final : Service {
    std::unique_ptr<Handler> accept(Connection&) override { return scripted(order); }
    void on_stop() override { order.push_back("service"); }
  };
  Hears service;
  testing::Net net;
  auto& peer = net.connect(service);
  peer.stall();
  peer.room(1'000);
  peer.connection()->write(std::string(50'000, 'x'));

  net.stop();
  CHECK(order == Events{"open", "service", "stop"});
  CHECK_FALSE(net.stopped());
  peer.unstall();
  CHECK(peer.take().size() == 50'000);
  peer.end();

  CHECK(net.stopped());
  CHECK(order == Events{"open", "service", "stop", "close stopping", "gone"});
}

TEST_CASE("drain: at the deadline what is left is aborted") {
  Events seen;
  testing::Net net({.timeouts = {.idle = Millis{0}}});
  auto handler = scripted(seen);
  handler->stop = stay;
  auto& peer = net.connect(std::move(handler));

  net.stop(Millis{1'000});
  net.advance(Millis{999});
  CHECK_FALSE(net.stopped());
  peer.send("still served");
  net.advance(Millis{1});

  CHECK(net.stopped());
  CHECK(peer.was_reset());
  CHECK(seen == Events{"open", "stop", "data still served", "close stopping", "gone"});
}

TEST_CASE("drain: an attempt to connect ends at once") {
  Events seen;
  testing::Net net;
  net.place("tcp://10.0.0.1:1").hang();
  net.loop().connect({Url::parse("tcp://10.0.0.1:1")}, scripted(seen));
  net.run();

  net.stop();

  CHECK(net.stopped());
  CHECK(seen == Events{"close stopping", "gone"});
}

TEST_CASE("drain: with nothing open it is over at once, on every loop", "[loops]") {
  testing::Net net({.loops = 4});

  net.stop();

  CHECK(net.stopped());
}
