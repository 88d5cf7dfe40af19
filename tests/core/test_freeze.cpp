// Rule R7: a connection moves to another loop with everything it consists of.
#include <catch2/catch.hpp>

#include "scripted.hpp"

using namespace weir;

namespace {

struct Moves {
  Events events;
  bool willing = true;
  bool throws = false;
  std::vector<std::uint64_t> ids;
};

Moves* moves = nullptr;

// Uses whole lines, answers each, and counts them across a move.
class Lines final : public Handler {
 public:
  std::size_t on_data(Connection& self, Bytes data) override {
    const std::string_view text = as_text(data);
    const std::size_t used = text.rfind('\n') + 1;  // npos + 1 is 0.
    for (const char c : text.substr(0, used)) count_ += c == '\n' ? 1 : 0;
    if (used > 0) self.write(text.substr(0, used));
    return used;
  }
  void on_eof(Connection& self, Bytes) override {
    self.write(std::string_view(std::to_string(count_)));
    self.end();
  }
  void on_close(Connection& self, const CloseReason& reason) override {
    moves->ids.push_back(self.id());
    moves->events.push_back("close " + std::string(name(reason.code)));
  }
  bool freeze(State& state) override {
    if (moves->throws) throw std::runtime_error("told to");
    state.put(count_);
    return moves->willing;
  }
  void thaw(Connection& self, State& state) override {
    count_ = state.take_number();
    moves->ids.push_back(self.id());
    moves->events.push_back("thaw " + std::to_string(count_));
  }

 private:
  std::uint64_t count_ = 0;
};

constexpr ServiceType kLines = handler_type<Lines>("lines", "Answers lines.");

}  // namespace

TEST_CASE("R7: a connection moves with pending output and an unread tail",
          "[loops][plain][moves]") {
  Moves seen;
  moves = &seen;
  testing::Net net({.loops = 2});
  Service& first = net.open(kLines);
  auto& peer = net.connect(first);
  peer.stall();
  peer.room(4);
  peer.send("one\ntwo\nthr");
  CHECK(peer.connection()->pending() == 4);

  REQUIRE(net.move(peer, net.on_loop(first, 1)));
  CHECK(seen.events == Events{"close moved", "thaw 2"});
  CHECK(peer.connection()->pending() == 4);
  peer.send("ee\n");
  peer.room(64 << 10);
  peer.unstall();
  peer.end();

  CHECK(peer.take() == "one\ntwo\nthree\n3");
  CHECK(peer.ended());
  CHECK(seen.events == Events{"close moved", "thaw 2", "close ended"});
  CHECK(seen.ids == std::vector<std::uint64_t>(3, seen.ids[0]));
}

TEST_CASE("R7: it may move again and again, and back", "[loops][plain][moves]") {
  Moves seen;
  moves = &seen;
  testing::Net net({.loops = 3});
  Service& first = net.open(kLines);
  auto& peer = net.connect(first);

  for (std::size_t i = 1; i <= 30; ++i) {
    peer.send("x\nun");
    REQUIRE(net.move(peer, net.on_loop(first, i % 3)));
    peer.send("used\n");
  }
  peer.end();

  CHECK(peer.take().ends_with("unused\n60"));
  CHECK(seen.events.size() == 61);
}

TEST_CASE("R7: a handler that refuses keeps its connection as it was") {
  Moves seen;
  seen.willing = false;
  moves = &seen;
  testing::Net net({.loops = 2});
  Service& first = net.open(kLines);
  auto& peer = net.connect(first);

  CHECK_FALSE(net.move(peer, net.on_loop(first, 1)));
  peer.send("still here\n");

  CHECK(peer.take() == "still here\n");
  CHECK(seen.events.empty());
}

TEST_CASE("R7: a freeze that throws ends the connection like any callback", "[plain][moves]") {
  Moves seen;
  seen.throws = true;
  moves = &seen;
  testing::Net net({.loops = 2});
  Service& first = net.open(kLines);
  auto& peer = net.connect(first);

  CHECK_FALSE(net.move(peer, net.on_loop(first, 1)));
  net.run();

  CHECK(seen.events == Events{"close handler_threw"});
}

TEST_CASE("R7: a connection that closes or connects does not move") {
  Moves seen;
  moves = &seen;
  testing::Net net({.loops = 2});
  Service& first = net.open(kLines);
  auto& peer = net.connect(first);
  peer.connection()->close();

  CHECK_FALSE(net.move(peer, net.on_loop(first, 1)));
  peer.end();

  CHECK(seen.events == Events{"close ended"});
}

TEST_CASE("R7: what was paused stays paused, with its tail and its EOF", "[plain][moves]") {
  Moves seen;
  moves = &seen;
  testing::Net net({.loops = 2});
  Service& first = net.open(kLines);
  auto& peer = net.connect(first);
  peer.connection()->pause();
  net.run();
  peer.send("held\n");
  peer.end();

  REQUIRE(net.move(peer, net.on_loop(first, 1)));
  CHECK(peer.connection()->paused());
  CHECK(peer.take().empty());
  peer.connection()->resume();
  net.run();

  CHECK(peer.take() == "held\n1");
  CHECK(peer.ended());
}

TEST_CASE("R7: end() that waits for output moves along", "[plain][moves]") {
  Moves seen;
  moves = &seen;
  testing::Net net({.loops = 2});
  Service& first = net.open(kLines);
  auto& peer = net.connect(first);
  peer.stall();
  peer.room(0);
  peer.send("last\n");
  peer.connection()->end();
  net.run();

  REQUIRE(net.move(peer, net.on_loop(first, 1)));
  peer.room(64 << 10);
  peer.unstall();

  CHECK(peer.take() == "last\n");
  CHECK(peer.ended());
}

TEST_CASE("R7: silence before a move counts after it", "[plain][moves]") {
  Moves seen;
  moves = &seen;
  testing::Net net({.loops = 2, .timeouts = {.idle = Millis{1'000}}});
  Service& first = net.open(kLines);
  auto& peer = net.connect(first);
  net.advance(Millis{600});

  REQUIRE(net.move(peer, net.on_loop(first, 1)));
  net.advance(Millis{399});
  CHECK_FALSE(peer.ended());
  net.advance(Millis{1});

  CHECK(peer.ended());
}

TEST_CASE("R7: the counters of a connection move along", "[plain][moves]") {
  Moves seen;
  moves = &seen;
  testing::Net net({.loops = 2});
  Service& first = net.open(kLines);
  auto& peer = net.connect(first);
  peer.send("12345\n");

  REQUIRE(net.move(peer, net.on_loop(first, 1)));

  CHECK(peer.connection()->bytes_in() == 6);
  CHECK(peer.connection()->bytes_out() == 6);
}
