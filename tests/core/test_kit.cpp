// The test kit itself: what every other case relies on.
#include <algorithm>

#include <catch2/catch.hpp>

#include "scripted.hpp"

using namespace weir;

namespace {

struct Echo final : Handler {
  std::size_t on_data(Connection& self, Bytes data) override {
    self.write(data);
    return data.size();
  }
};

// What is heard in a room goes to everybody else: a service that the test owns.
class Room final : public Service {
 public:
  explicit Room(Loop&) {}
  std::unique_ptr<Handler> accept(Connection& self) override {
    members_.push_back(&self);
    return std::make_unique<Member>(*this);
  }

 private:
  class Member final : public Handler {
   public:
    explicit Member(Room& room) : room_(room) {}
    std::size_t on_data(Connection& self, Bytes data) override {
      for (Connection* const member : room_.members_) {
        if (member != &self) member->write(data);
      }
      return data.size();
    }
    void on_close(Connection& self, const CloseReason&) override {
      std::erase(room_.members_, &self);
    }

   private:
    Room& room_;
  };

  std::vector<Connection*> members_;
};

}  // namespace

TEST_CASE("kit: a handler is tested in three lines") {
  testing::Net net;
  auto& peer = net.connect<Echo>();
  peer.send("hello");
  CHECK(peer.take() == "hello");
}

TEST_CASE("kit: a service may belong to the test and die before the net") {
  testing::Net net;
  Room room(net.loop());
  auto& ann = net.connect(room);
  auto& bob = net.connect(room);

  ann.send("hello\r\n", 2);

  CHECK(bob.take() == "hello\r\n");
  CHECK(ann.take().empty());
}

TEST_CASE("kit: bytes are read in chunks of the size that was asked, one turn each") {
  const std::size_t chunk = GENERATE(1u, 2u, 7u, 4'096u);
  Events seen;
  std::vector<std::uint64_t> turns;
  testing::Net net;
  auto handler = scripted(seen);
  handler->data = [&](Connection&, Bytes data) {
    CHECK(data.size() <= chunk);
    turns.push_back(net.turns());
    return data.size();
  };
  auto& peer = net.connect(std::move(handler));

  peer.send(std::string(20, 'x'), chunk);
  peer.send("y");

  CHECK(turns.size() == (20 + chunk - 1) / chunk + 1);
  CHECK(std::adjacent_find(turns.begin(), turns.end()) == turns.end());
}

TEST_CASE("kit: unless it is automatic nothing happens before run()") {
  Events seen;
  testing::Net net({.automatic = false});
  auto& peer = net.connect(scripted(seen));
  peer.send("x");
  CHECK(seen.empty());

  net.run();

  CHECK(seen == Events{"open", "data x"});
}

TEST_CASE("kit: a stalled peer takes what its room holds, then writes block",
          "[plain][wire-bytes]") {
  testing::Net net;
  auto& peer = net.connect<Echo>();
  peer.stall();
  peer.room(100);

  peer.connection()->write(std::string(1'000, 'x'));
  net.run();
  CHECK(peer.connection()->pending() == 900);
  CHECK(peer.take().empty());
  peer.unstall();

  CHECK(peer.connection()->pending() == 0);
  CHECK(peer.take().size() == 1'000);
  CHECK(peer.arrived() == 1'000);
}

TEST_CASE("kit: closing with unread input resets, over Unix sockets as well") {
  const bool unix_sockets = GENERATE(false, true);
  Events seen;
  testing::Net net({.unix_sockets = unix_sockets});
  auto& peer = net.connect(scripted(seen));
  peer.stall();
  peer.connection()->write(std::string_view("unread"));
  net.run();

  peer.close();

  CHECK(seen == Events{"open", "close reset by peer: Connection reset by peer", "gone"});
}

TEST_CASE("kit: a Unix peer that resets only ends") {
  Events seen;
  testing::Net net({.unix_sockets = true});
  auto& peer = net.connect(scripted(seen));

  peer.reset();

  CHECK(seen == Events{"open", "eof ", "close ended by peer", "gone"});
}

TEST_CASE("kit: peers have addresses of their kind") {
  testing::Net tcp;
  testing::Net local({.unix_sockets = true});

  CHECK(tcp.connect<Echo>().connection()->peer().is_loopback());
  CHECK(tcp.connect<Echo>().connection()->local().family() == Address::Family::ipv4);
  CHECK(local.connect<Echo>().connection()->peer().family() == Address::Family::local);
}

TEST_CASE("kit: a type is opened once per set of options") {
  struct Counts final : Service {
    explicit Counts(Loop&) { ++opened(); }
    std::unique_ptr<Handler> accept(Connection&) override { return std::make_unique<Echo>(); }
    static int& opened() {
      static int count = 0;
      return count;
    }
  };
  static constexpr ServiceType type = service_type<Counts>("counts", "Counts.");
  Counts::opened() = 0;
  testing::Net net({.loops = 2});

  net.connect(type);
  net.connect(type);
  CHECK(Counts::opened() == 2);  // One per loop.

  CHECK_THROWS_AS(net.connect(type, {{"no-such", {"1"}}}), SetupError);
}

TEST_CASE("kit: leftovers() names what is still open, and nothing once all is closed") {
  testing::Net net;
  auto& peer = net.connect<Echo>();
  CHECK(net.leftovers().size() == 2);  // The connection and its socket.

  peer.end();

  CHECK(net.leftovers().empty());
  CHECK(peer.gone());
}

TEST_CASE("kit: at the net's end handlers of the test's are told nothing") {
  struct Tells final : Handler {
    explicit Tells(int& told) : told_(told) {}
    void on_close(Connection&, const CloseReason&) override { ++told_; }
    int& told_;
  };
  int told = 0;
  {
    testing::Net net;
    net.place("tcp://10.0.0.1:1");
    net.connect(std::make_unique<Tells>(told));
    net.loop().connect({Url::parse("tcp://10.0.0.1:1")}, std::make_unique<Tells>(told));
  }

  CHECK(told == 0);
}

TEST_CASE("kit: advance() runs what comes due on the way in its order, at its time") {
  testing::Net net({.loops = 2});
  const SteadyTime start = net.loop().now();
  std::vector<std::int64_t> times;
  const auto note = [&] { times.push_back((net.loop().now() - start).count()); };
  const Timer one = net.loop(1).after(Millis{20}, note);
  const Timer two = net.loop(0).after(Millis{10}, note);
  const Timer three = net.loop(1).after(Millis{30}, note);

  net.advance(Millis{25});

  CHECK(times == std::vector<std::int64_t>{10, 20});
  CHECK((net.loop().now() - start) == Millis{25});
}

TEST_CASE("kit: pass() moves the clock and runs nothing") {
  int ran = 0;
  testing::Net net;
  const Timer timer = net.loop().after(Millis{1}, [&ran] { ++ran; });
  net.run();

  net.pass(Millis{10});
  CHECK(ran == 0);
  net.turn();

  CHECK(ran == 1);
}

TEST_CASE("kit: a loop that never becomes quiet is told") {
  testing::Net net({.automatic = false});
  bool spin = true;
  std::function<void()> again = [&] {
    if (spin) net.loop().work([] {}, [&again] { again(); });
  };
  again();

  CHECK_THROWS_WITH(net.run(), Catch::Contains("spins"));
  spin = false;
}

TEST_CASE("kit: the same seed gives the same run, faults and all") {
  const auto run = [](std::uint64_t seed) {
    testing::NetOptions options{.seed = seed, .loops = 2};
    options.faults = {.short_receive = 300,
                      .short_send = 300,
                      .again = 200,
                      .spurious = 200,
                      .late = 300,
                      .any_order = true};
    testing::Net net(options);
    auto& peer = net.connect<Echo>();
    peer.send(std::string(50'000, 'x'), 700);
    return std::tuple(net.turns(0), net.turns(1), peer.sends(), peer.receives());
  };

  CHECK(run(1) == run(1));
  CHECK(run(1) != run(2));
}

TEST_CASE("kit: faults change how bytes travel, never which") {
  testing::NetOptions options{.seed = GENERATE(range<std::uint64_t>(1, 20))};
  options.faults = {.short_receive = 500,
                    .short_send = 500,
                    .again = 300,
                    .spurious = 300,
                    .late = 300,
                    .accept = 300};
  testing::Net net(options);
  auto& peer = net.connect<Echo>();
  std::string sent;
  for (int i = 0; i < 9'000; ++i) sent += static_cast<char>('a' + i * i % 23);

  peer.send(sent, 333);
  peer.end();
  net.advance(Millis{5'000});

  CHECK(peer.take() == sent);
  CHECK(peer.ended());
}

TEST_CASE("kit: a broken connection is broken for both ends", "[plain][handshake]") {
  Events seen;
  testing::NetOptions options;
  options.faults.broken = 1'000;
  testing::Net net(options);
  auto& peer = net.connect(scripted(seen));

  peer.send("x");

  CHECK(peer.was_reset());
  CHECK(peer.gone());
  REQUIRE(peer.reason().has_value());
  CHECK(peer.reason()->code == CloseReason::Code::reset);
}

TEST_CASE("kit: a place can refuse, hang and accept again, and counts") {
  Events seen;
  testing::Net net;
  testing::Place& place = net.place("unix:///run/x.sock");
  const ConnectOptions to{Url::parse("unix:///run/x.sock"), Millis{100}};

  place.refuse();
  net.loop().connect(to, scripted(seen));
  net.run();
  CHECK(seen == Events{"close connect refused by peer: Connection refused", "gone"});
  place.accept();
  net.loop().connect(to, scripted(seen));
  net.run();

  CHECK(place.attempts() == 2);
  CHECK(place.next() != nullptr);
  CHECK(place.next() == nullptr);
}

TEST_CASE("kit: mistakes of the test's are told") {
  testing::Net net;
  Room room(net.loop());
  Service& opened = net.open(handler_type<Echo>("echo", "Sends back."));

  CHECK_THROWS_AS(net.dial("tcp://127.0.0.1:9"), std::logic_error);
  CHECK_THROWS_AS(net.place("tcp://nobody.test:9"), std::logic_error);
  CHECK_THROWS_AS(net.on_loop(opened, 7), std::logic_error);
  CHECK_THROWS_AS(net.loop(7), std::out_of_range);
  net.stop();
  CHECK_THROWS_AS(net.connect(room), std::logic_error);
}
