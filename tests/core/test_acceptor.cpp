// Accepting: bounded batches, limits, running out of descriptors, spreading over loops.
#include <algorithm>
#include <cerrno>
#include <map>

#include <catch2/catch.hpp>

#include "scripted.hpp"

using namespace weir;

namespace {

struct Quiet final : Handler {};
constexpr ServiceType kQuiet = handler_type<Quiet>("quiet", "Says nothing.");

int lines_with(const testing::Net& net, std::string_view text) {
  int found = 0;
  for (const std::string& line : net.log()) found += line.find(text) != std::string::npos;
  return found;
}

}  // namespace

TEST_CASE("acceptor: a flood is taken in bounded batches") {
  testing::Net net({.automatic = false});
  Service& service = net.open(kQuiet);
  for (int i = 0; i < 200; ++i) net.connect(service);

  net.turn();
  CHECK(net.counters().accepted == 64);
  net.run();

  CHECK(net.counters().accepted == 200);
}

TEST_CASE("acceptor: each connection goes to the loop with the fewest", "[loops]") {
  testing::Net net({.loops = 3});
  Service& service = net.open(kQuiet);
  for (int i = 0; i < 5; ++i) net.connect(net.on_loop(service, 2));
  net.listen(service, "tcp://127.0.0.1:7");
  std::vector<Loop*> loops;

  for (int i = 0; i < 10; ++i) {
    loops.push_back(&net.dial("tcp://127.0.0.1:7").connection()->loop());
  }

  const auto on = [&](std::size_t index) {
    auto& probe = net.connect(net.on_loop(service, index));
    return std::count(loops.begin(), loops.end(), &probe.connection()->loop());
  };
  CHECK(on(0) == 5);
  CHECK(on(1) == 5);
  CHECK(on(2) == 0);
}

TEST_CASE("acceptor: a burst that waits to be handed over is spread as well", "[loops]") {
  testing::Net net({.loops = 4, .automatic = false});
  Service& service = net.open(kQuiet);
  net.listen(service, "tcp://127.0.0.1:7");
  std::vector<testing::Peer*> peers;
  for (int i = 0; i < 40; ++i) peers.push_back(&net.dial("tcp://127.0.0.1:7"));

  net.run();

  std::map<Loop*, int> count;
  for (testing::Peer* const peer : peers) ++count[&peer->connection()->loop()];
  REQUIRE(count.size() == 4);
  for (const auto& one : count) CHECK(one.second == 10);
}

TEST_CASE("acceptor: over the limit it accepts, counts and closes at once") {
  testing::Net net({.connections = 3});
  Service& service = net.open(kQuiet);
  std::vector<testing::Peer*> peers;
  for (int i = 0; i < 3; ++i) peers.push_back(&net.connect(service));

  auto& fourth = net.connect(service);
  CHECK(fourth.gone());
  CHECK((fourth.ended() || fourth.was_reset()));  // A reset if it has said something, as of TLS.
  CHECK(net.counters().refused_limit == 1);
  peers[0]->end();
  auto& fifth = net.connect(service);

  CHECK_FALSE(fifth.gone());
  CHECK(net.counters().accepted == 4);
}

TEST_CASE("acceptor: refusals make one log line a second") {
  testing::Net net({.connections = 1});
  Service& service = net.open(kQuiet);
  net.connect(service);

  for (int i = 0; i < 20; ++i) {
    net.connect(service);
    net.advance(Millis{100});
  }

  CHECK(net.counters().refused_limit == 20);
  CHECK(lines_with(net, "connection limit") == 2);
}

TEST_CASE("acceptor: without descriptors it pauses 100 ms, doubling to a second, closing nothing") {
  testing::Net net;
  Service& service = net.open(kQuiet);
  net.fail_accepts(EMFILE);
  auto& peer = net.connect(service);
  CHECK(net.counters().accept_errors == 1);
  const std::vector<int> pauses{100, 200, 400, 800, 1'000, 1'000, 1'000};

  std::uint64_t errors = 1;
  for (const int pause : pauses) {
    net.advance(Millis{pause - 1});
    CHECK(net.counters().accept_errors == errors);
    net.advance(Millis{1});
    CHECK(net.counters().accept_errors == ++errors);
  }
  CHECK_FALSE(peer.gone());
  CHECK(lines_with(net, "cannot accept") <= 5);
  net.fail_accepts(0);
  net.advance(Millis{1'000});

  CHECK(peer.connection() != nullptr);
}

TEST_CASE("acceptor: once it accepts again the next pause is short again") {
  testing::Net net;
  Service& service = net.open(kQuiet);
  net.fail_accepts(ENFILE);
  net.connect(service);
  net.advance(Millis{700});
  net.fail_accepts(0);
  net.advance(Millis{800});
  CHECK(net.counters().accepted == 1);
  const std::uint64_t errors = net.counters().accept_errors;

  net.fail_accepts(ENOBUFS);
  net.connect(service);
  net.advance(Millis{100});

  CHECK(net.counters().accept_errors == errors + 2);
}

TEST_CASE("acceptor: a peer that was reset before it was accepted harms nobody") {
  testing::Net net({.automatic = false});
  Service& service = net.open(kQuiet);
  auto& gone = net.connect(service);
  gone.reset();
  auto& stays = net.connect(service);

  net.run();

  CHECK(gone.gone());
  CHECK(stays.connection() != nullptr);
}

TEST_CASE("acceptor: what a peer sent before it was accepted is not lost") {
  Events seen;
  testing::Net net({.automatic = false});
  auto& peer = net.connect(scripted(seen));
  peer.send("early");
  peer.end();

  net.run();

  CHECK(seen == Events{"open", "data early", "eof ", "close ended by peer", "gone"});
}
