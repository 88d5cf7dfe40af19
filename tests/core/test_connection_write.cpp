// Writing: gathering, watermarks, the cap. Rules R8 and R9.
#include <algorithm>
#include <random>

#include <catch2/catch.hpp>

#include "scripted.hpp"

using namespace weir;

TEST_CASE("writing: ten thousand one-line writes in a callback leave in one system call",
          "[plain][system-calls]") {
  const bool payloads = GENERATE(false, true);
  Events seen;
  testing::Net net({.limits = {.write_max = 1 << 20}});
  auto handler = scripted(seen);
  handler->data = [payloads](Connection& self, Bytes data) {
    const Payload line("a line\n");
    for (int i = 0; i < 10'000; ++i) {
      payloads ? self.write(line) : self.write(std::string_view("a line\n"));
    }
    return data.size();
  };
  auto& peer = net.connect(std::move(handler));
  peer.room(1 << 20);

  peer.send("go");

  CHECK(peer.take().size() == 70'000);
  CHECK(peer.sends() == 1);
}

TEST_CASE("writing: one line to a hundred connections leaves in one system call each") {
  Events seen;
  testing::Net net;
  std::vector<Connection*> all;
  std::vector<testing::Peer*> peers;
  for (int i = 0; i < 100; ++i) {
    auto handler = scripted(seen);
    handler->open = [&all](Connection& self) { all.push_back(&self); };
    handler->data = [&all](Connection&, Bytes data) {
      const Payload first("first\n");
      const Payload second("second\n");
      for (Connection* const one : all) one->write(first);
      for (Connection* const one : all) one->write(second);
      return data.size();
    };
    peers.push_back(&net.connect(std::move(handler)));
  }

  peers[0]->send("go");

  for (testing::Peer* const peer : peers) {
    CHECK(peer->take() == "first\nsecond\n");
    CHECK(peer->sends() == 1);
  }
}

TEST_CASE("writing: what a timer writes leaves in the same turn") {
  Events seen;
  testing::Net net({.automatic = false});
  auto& peer = net.connect(scripted(seen));
  net.run();
  const Timer timer =
      net.loop().after(Millis{5}, [&] { peer.connection()->write(std::string_view("tick")); });
  net.run();
  net.pass(Millis{5});

  net.turn();

  CHECK(peer.take() == "tick");
}

TEST_CASE("writing: what a posted task writes leaves in the same turn") {
  Events seen;
  testing::Net net({.automatic = false});
  auto& peer = net.connect(scripted(seen));
  net.run();
  net.loop().post([&] { peer.connection()->write(std::string_view("posted")); });

  net.turn();

  CHECK(peer.take() == "posted");
}

TEST_CASE("writing: every way to write keeps the order, however the peer reads") {
  std::mt19937_64 random(GENERATE(range<std::uint64_t>(1, 40)));
  const auto below = [&random](std::size_t limit) {
    return static_cast<std::size_t>(random() % limit);
  };
  std::string expected;
  const auto text = [&] {
    std::string made(below(8) == 0 ? below(90'000) : below(200), 'a');
    for (char& c : made) c = static_cast<char>('a' + below(26));
    return made;
  };
  Events seen;
  testing::Net net({.limits = {.write_max = 64 << 20}, .automatic = false});
  auto handler = scripted(seen);
  handler->data = [&](Connection& self, Bytes data) {
    for (std::size_t i = below(6); i > 0; --i) {
      const std::string made = text();
      switch (below(3)) {
        case 0:
          self.write(std::string_view(made));
          expected += made;
          break;
        case 1:
          self.write(Payload(made));
          expected += made;
          break;
        default: {
          const Bytes part = data.subspan(below(data.size() + 1));  // Straight from the buffer.
          self.write(part);
          expected += as_text(part);
        }
      }
    }
    return below(data.size() + 1);
  };
  auto& peer = net.connect(std::move(handler));
  net.run();
  peer.connection()->hold_reads_when_full(false);
  std::string got;

  for (int step = 0; step < 200; ++step) {
    if (below(3) == 0) peer.send(text().substr(0, 300));
    if (below(5) == 0) peer.room(below(100'000));
    if (below(9) == 0) peer.stall();
    if (below(4) == 0) peer.unstall();
    if (below(6) == 0 && peer.connection() != nullptr) {
      const std::string made = text();
      peer.connection()->write(std::string_view(made));
      expected += made;
    }
    net.turn();
    got += peer.take();
    REQUIRE(expected.compare(0, got.size(), got) == 0);
  }
  peer.room(1 << 20);
  peer.unstall();
  net.run();

  CHECK(got + peer.take() == expected);
}

TEST_CASE("watermarks: full above the high mark, on_drain at or below the low one",
          "[plain][wire-bytes]") {
  Events seen;
  testing::Net net({.limits = {.write_high = 1'000, .write_low = 100}});
  auto& peer = net.connect(scripted(seen));
  peer.room(0);
  peer.stall();
  Connection& self = *peer.connection();
  CHECK(self.write(std::string(1'000, 'x')) == Flow::open);
  CHECK(self.write(std::string(1, 'x')) == Flow::full);
  CHECK(self.write(std::string_view("")) == Flow::full);
  net.run();
  CHECK(self.pending() == 1'001);

  peer.room(900);
  CHECK(self.pending() == 101);
  CHECK(seen == Events{"open"});
  peer.room(901);

  CHECK(self.pending() == 100);
  CHECK(seen == Events{"open", "drain"});
}

TEST_CASE("watermarks: without Flow::full there is no on_drain") {
  Events seen;
  testing::Net net;
  auto& peer = net.connect(scripted(seen));
  peer.room(0);
  peer.connection()->write(std::string(10'000, 'x'));
  net.run();

  peer.room(64 << 10);

  CHECK(peer.take().size() == 10'000);
  CHECK(seen == Events{"open"});
}

TEST_CASE("watermarks: a connection that is full stops reading, and goes on once drained") {
  Events seen;
  testing::Net net({.limits = {.write_high = 1'000, .write_low = 100}});
  auto handler = scripted(seen);
  handler->data = [](Connection& self, Bytes data) {
    self.write(std::string(2'000, 'x'));
    return data.size();
  };
  auto& peer = net.connect(std::move(handler));
  peer.room(0);
  peer.stall();

  peer.send("1");
  peer.send("2");
  CHECK(seen == Events{"open", "data 1"});
  peer.room(64 << 10);
  peer.unstall();

  CHECK(seen == Events{"open", "data 1", "drain", "data 2", "drain"});
}

TEST_CASE("watermarks: hold_reads_when_full(false) goes on reading") {
  Events seen;
  testing::Net net({.limits = {.write_high = 1'000, .write_low = 100}});
  auto& peer = net.connect(scripted(seen));
  peer.room(0);
  peer.connection()->hold_reads_when_full(false);
  peer.connection()->write(std::string(2'000, 'x'));
  net.run();

  peer.send("1");

  CHECK(seen == Events{"open", "data 1"});
}

TEST_CASE("watermarks: hold_reads_when_full(false) in a task offers again what waited") {
  Events seen;
  testing::Net net({.limits = {.write_high = 1'000, .write_low = 100}});
  auto handler = scripted(seen);
  handler->data = [](Connection& self, Bytes) -> std::size_t {
    self.write(std::string(2'000, 'x'));
    return 1;
  };
  auto& peer = net.connect(std::move(handler));
  peer.room(0);
  peer.stall();
  peer.send("12");
  net.run();
  REQUIRE(seen == Events{"open", "data 12"});

  peer.connection()->ref().post([](Connection& self) { self.hold_reads_when_full(false); });
  net.run();

  CHECK(seen == Events{"open", "data 12", "data 2"});
}

TEST_CASE("watermarks: an echo to a peer that never reads stays within the high mark and a read") {
  struct Echo final : Handler {
    std::size_t on_data(Connection& self, Bytes data) override {
      self.write(data);
      return data.size();
    }
  };
  testing::Net net;
  auto& peer = net.connect<Echo>();
  peer.stall();

  peer.send(std::string(4 << 20, 'x'));

  CHECK(peer.connection()->pending() <= (16 << 10) + (64 << 10));
  peer.unstall();
  CHECK(peer.take().size() == 4 << 20);
}

TEST_CASE("R9: on_drain comes once per connection and turn") {
  Events seen;
  testing::Net net({.limits = {.write_high = 1'000, .write_low = 100}});
  std::vector<std::uint64_t> turns;
  auto handler = scripted(seen);
  handler->drain = [&](Connection& self) {
    turns.push_back(net.turns());
    if (turns.size() < 5) self.write(std::string(2'000, 'x'));
  };
  auto& peer = net.connect(std::move(handler));

  peer.connection()->write(std::string(2'000, 'x'));
  net.run();

  CHECK(turns.size() == 5);
  CHECK(std::adjacent_find(turns.begin(), turns.end()) == turns.end());
  CHECK(peer.take().size() == 10'000);
}

TEST_CASE("R8: one large answer is never punished") {
  Events seen;
  testing::Net net({.limits = {.write_max = 20'000}});
  auto& peer = net.connect(scripted(seen));
  peer.stall();
  peer.room(1'000);
  Connection& self = *peer.connection();
  self.write(std::string(1'000'000, 'x'));
  net.run();
  for (const std::size_t more : {100u, 200u}) {  // Whatever else happens to it.
    self.pause();
    net.advance(Millis{1});
    self.resume();
    self.ref().post([](Connection&) {});
    peer.room(more * 100);
  }
  CHECK(self.pending() > 20'000);

  peer.room(64 << 10);
  peer.unstall();

  CHECK(peer.take().size() == 1'000'000);
  CHECK(seen == Events{"open", "drain"});
}

TEST_CASE("R8: several writes in the turn in which it became full count as one answer") {
  Events seen;
  testing::Net net({.limits = {.write_max = 20'000}});
  auto handler = scripted(seen);
  handler->data = [](Connection& self, Bytes data) {
    for (int i = 0; i < 10; ++i) self.write(std::string(10'000, 'x'));
    return data.size();
  };
  auto& peer = net.connect(std::move(handler));
  peer.room(1'000);

  peer.send("go");

  CHECK(peer.take().size() == 100'000);
  CHECK_FALSE(peer.gone());
}

TEST_CASE("R8: writing on and on against Flow::full is write_overflow") {
  Events seen;
  testing::Net net({.limits = {.write_max = 20'000}});
  auto& peer = net.connect(scripted(seen));
  peer.room(0);
  Connection& self = *peer.connection();
  self.write(std::string(17'000, 'x'));
  net.run();
  self.write(std::string(2'000, 'x'));
  net.run();
  CHECK_FALSE(peer.gone());

  self.write(std::string(2'000, 'x'));
  net.run();

  CHECK(peer.gone());
  CHECK(peer.was_reset());
  CHECK(seen == Events{"open", "close write overflow", "gone"});
}

TEST_CASE("writing: every byte leaves in order, whatever goes wrong on the way") {
  testing::NetOptions options;
  options.seed = GENERATE(range<std::uint64_t>(1, 20));
  options.faults = {.short_send = 400, .again = 300, .spurious = 300, .late = 300};
  Events seen;
  testing::Net net(options);
  std::string expected;
  auto& peer = net.connect(scripted(seen));

  for (int i = 0; i < 200; ++i) {
    const std::string text(net.loop().random() % 3'000, static_cast<char>('a' + i % 26));
    if (peer.connection()->write(std::string_view(text)) == Flow::full) net.run();
    expected += text;
  }
  peer.connection()->end();
  net.run();

  CHECK(peer.take() == expected);
  CHECK(peer.ended());
}

TEST_CASE("writing: a connect can be written to at once") {
  Events seen;
  testing::Net net;
  testing::Place& place = net.place("tcp://10.0.0.1:1");
  Connection& made = net.loop().connect({Url::parse("tcp://10.0.0.1:1")}, scripted(seen));

  CHECK(made.write(std::string_view("early ")) == Flow::open);
  CHECK(made.pending() == 6);
  made.write(Payload("bird"));
  net.run();

  testing::Peer* const peer = place.next();
  REQUIRE(peer != nullptr);
  CHECK(peer->take() == "early bird");
  CHECK(seen == Events{"open"});
}
