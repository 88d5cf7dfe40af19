// Lifetime: rules R1 to R4.
#include <algorithm>
#include <cerrno>

#include <catch2/catch.hpp>

#include "scripted.hpp"

using namespace weir;

TEST_CASE("R1: no member of a connection calls a handler") {
  Events seen;
  testing::Net net;
  std::size_t before = 0;
  std::size_t after = 0;
  auto handler = scripted(seen);
  handler->data = [&](Connection& self, Bytes) {
    before = seen.size();
    self.pause();
    self.resume();
    self.write(std::string(100'000, 'x'));
    self.hold_reads_when_full(false);
    self.set_idle(Millis{1});
    self.ref().post([](Connection&) {});
    self.end();
    self.close();
    self.abort();
    after = seen.size();
    return 0;
  };
  auto& peer = net.connect(std::move(handler));

  peer.send("go");
  CHECK(after == before);
  peer.end();

  CHECK(seen == Events{"open", "data go", "close ended", "gone"});
}

TEST_CASE("R1: a container of connections may be walked while each is closed") {
  Events seen;
  testing::Net net;
  std::vector<Connection*> all;
  std::vector<testing::Peer*> peers;
  for (int i = 0; i < 10; ++i) {
    auto handler = scripted(seen);
    handler->open = [&all](Connection& self) { all.push_back(&self); };
    handler->data = [&all](Connection&, Bytes data) {
      for (Connection* const one : all) {
        one->write(std::string_view("bye"));
        one->close();
      }
      return data.size();
    };
    peers.push_back(&net.connect(std::move(handler)));
  }

  peers[4]->send("go");

  for (testing::Peer* const peer : peers) {
    CHECK(peer->take() == "bye");
    CHECK(peer->ended());
  }
}

TEST_CASE("R2: on_close comes at the end of the turn, once and last") {
  Events seen;
  testing::Net net;
  auto handler = scripted(seen);
  handler->data = [&](Connection& self, Bytes data) {
    self.abort();
    seen.push_back("after abort");
    return data.size();
  };
  auto& peer = net.connect(std::move(handler));

  peer.send("x");
  peer.send("more");

  CHECK(seen == Events{"open", "data x", "after abort", "close reset", "gone"});
  CHECK(peer.gone());
}

TEST_CASE("R2: after close() nothing comes but on_close, whatever the peer does") {
  Events seen;
  testing::Net net;
  auto handler = scripted(seen);
  handler->data = [](Connection& self, Bytes) {
    self.pause();
    self.close();
    return 0;
  };
  auto& peer = net.connect(std::move(handler));
  peer.send("x");

  peer.send("dropped, though it was paused");
  CHECK(seen == Events{"open", "data x"});
  peer.end();

  CHECK(seen == Events{"open", "data x", "close ended", "gone"});
  CHECK_FALSE(peer.was_reset());
}

TEST_CASE("R2: after close() every verb is a no-op and write drops") {
  Events seen;
  testing::Net net;
  auto& peer = net.connect(scripted(seen));
  Connection& self = *peer.connection();
  self.close();

  CHECK(self.closing());
  CHECK(self.write(std::string(1'000'000, 'x')) == Flow::open);
  CHECK(self.write(Payload("x")) == Flow::open);
  CHECK(self.pending() == 0);
  self.pause();
  self.resume();
  self.end();
  self.abort();
  self.close();
  peer.end();

  CHECK(peer.take().empty());
  CHECK(seen == Events{"open", "close ended", "gone"});
}

TEST_CASE("R2: close() waits until the output is taken and the FIN is answered") {
  Events seen;
  testing::Net net;
  auto handler = scripted(seen);
  handler->open = [](Connection& self) {
    self.write(std::string(200'000, 'x'));
    self.close();
  };
  auto& peer = net.connect(std::move(handler));
  peer.stall();
  net.run();
  CHECK_FALSE(peer.gone());

  peer.unstall();
  CHECK(peer.take().size() == 200'000);
  CHECK(peer.ended());
  CHECK(seen == Events{"open"});
  peer.end();

  CHECK(seen == Events{"open", "close ended", "gone"});
}

TEST_CASE("R2: the reason tells what ended it and who") {
  struct Case {
    std::function<void(testing::Peer&)> event;
    std::string reason;
  };
  const Case one = GENERATE(values<Case>({
      {[](testing::Peer& peer) { peer.end(); }, "ended by peer"},
      {[](testing::Peer& peer) { peer.close(); }, "ended by peer"},
      {[](testing::Peer& peer) { peer.reset(); }, "reset by peer: Connection reset by peer"},
      {[](testing::Peer& peer) { peer.cut(ETIMEDOUT); }, "reset by peer: Connection timed out"},
      {[](testing::Peer& peer) { peer.connection()->abort(); }, "reset"},
      {[](testing::Peer& peer) {
         peer.connection()->abort(std::make_error_code(std::errc::io_error));
       },
       "reset: Input/output error"},
      {[](testing::Peer& peer) {
         peer.connection()->end();
         peer.end();
       },
       "ended"},
  }));
  Events seen;
  testing::Net net;
  auto& peer = net.connect(scripted(seen));

  one.event(peer);
  net.run();

  REQUIRE(seen.size() >= 2);
  CHECK(seen[seen.size() - 2] == "close " + one.reason);
  CHECK(peer.reason()->text() == one.reason);
}

TEST_CASE("R2: a reset of the peer is noticed while reading is paused") {
  Events seen;
  testing::Net net;
  auto handler = scripted(seen);
  handler->open = [](Connection& self) { self.pause(); };
  auto& peer = net.connect(std::move(handler));

  peer.send("never read");
  peer.reset();

  CHECK(seen == Events{"open", "close reset by peer: Connection reset by peer", "gone"});
}

TEST_CASE("R2: what arrived before a reset is read first") {
  Events seen;
  testing::Net net({.automatic = false});
  auto& peer = net.connect(scripted(seen));
  net.run();

  peer.send("last words");
  peer.reset();
  net.run();

  CHECK(seen ==
        Events{"open", "data last words", "close reset by peer: Connection reset by peer", "gone"});
}

TEST_CASE("R2: a write to a peer that is gone does not lose what it had sent") {
  Events seen;
  testing::Net net({.automatic = false});
  auto handler = scripted(seen);
  handler->open = [](Connection& self) { self.write(std::string_view("hello")); };
  handler->data = [](Connection& self, Bytes data) {
    self.write(std::string_view("answer"));
    return data.size();
  };
  auto& peer = net.connect(std::move(handler));
  net.run();
  peer.send("first", 3);
  peer.close();

  net.run();

  CHECK(std::count(seen.begin(), seen.end(), "data fir") == 1);
  CHECK(std::count(seen.begin(), seen.end(), "data st") == 1);
  CHECK(peer.gone());
}

TEST_CASE("R2: abort() shows a TCP peer a reset and a Unix peer an end", "[plain][truncation]") {
  const bool unix_sockets = GENERATE(false, true);
  Events seen;
  testing::Net net({.unix_sockets = unix_sockets});
  auto& peer = net.connect(scripted(seen));

  peer.connection()->abort();
  net.run();

  CHECK(peer.was_reset() == !unix_sockets);
  CHECK(peer.ended() == unix_sockets);
}

TEST_CASE("R2: a connect that fails gives on_close without on_open, never from inside connect") {
  Events seen;
  testing::Net net;
  std::size_t inside = 1;
  net.loop().post([&] {
    net.loop().connect({Url::parse("tcp://10.0.0.1:1")}, scripted(seen));
    inside = seen.size();
  });

  net.run();

  CHECK(inside == 0);
  CHECK(seen == Events{"close connect refused by peer: Connection refused", "gone"});
}

TEST_CASE("R2: a connect that was closed at once never opens") {
  const bool abort = GENERATE(false, true);
  Events seen;
  testing::Net net;
  testing::Place& place = net.place("tcp://10.0.0.1:1");
  Connection& made = net.loop().connect({Url::parse("tcp://10.0.0.1:1")}, scripted(seen));

  abort ? made.abort() : made.close();
  net.run();

  CHECK(seen == Events{abort ? "close reset" : "close ended", "gone"});
  CHECK(place.next() == nullptr);
}

namespace {

Events* order = nullptr;

struct Ordered final : Handler {
  ~Ordered() override { order->push_back("handler"); }
  void on_close(Connection&, const CloseReason&) override { order->push_back("on_close"); }
};

struct OrderedService final : Service {
  explicit OrderedService(Loop& loop) : loop_(loop) {}
  ~OrderedService() override { order->push_back("service"); }
  std::unique_ptr<Handler> accept(Connection&) override {
    if (dials) loop_.connect({Url::parse("tcp://10.0.0.1:1")}, std::make_unique<Ordered>());
    return std::make_unique<Ordered>();
  }
  Loop& loop_;
  static inline bool dials = false;
};

constexpr ServiceType kOrdered = service_type<OrderedService>("ordered", "Tells when it goes.");

}  // namespace

TEST_CASE("R3: on_close, then the handler, then the service") {
  Events seen;
  order = &seen;
  OrderedService::dials = false;
  {
    testing::Net net;
    net.connect(kOrdered);
    net.stop();
    CHECK(seen == Events{});  // It lingers: the peer has not answered the FIN.
    net.advance(Millis{5'000});
    CHECK(seen == Events{"on_close", "handler", "service"});
  }
}

TEST_CASE("R3: an outgoing connection keeps its service alive like an accepted one") {
  Events seen;
  order = &seen;
  OrderedService::dials = true;
  testing::Net net;
  testing::Place& place = net.place("tcp://10.0.0.1:1");
  auto& peer = net.connect(kOrdered);
  testing::Peer* const far = place.next();
  REQUIRE(far != nullptr);

  net.stop();
  peer.end();
  CHECK(seen == Events{"on_close", "handler"});
  far->end();

  CHECK(seen == Events{"on_close", "handler", "on_close", "handler", "service"});
}

TEST_CASE("R4: what a handler throws ends its own connection and no other") {
  Events seen;
  Events others;
  testing::Net net;
  auto handler = scripted(seen);
  handler->data = [](Connection&, Bytes) -> std::size_t { throw std::runtime_error("oh\n"); };
  auto& peer = net.connect(std::move(handler));
  auto& other = net.connect(scripted(others));

  peer.send("x");
  other.send("y");

  CHECK(seen == Events{"open", "data x", "close handler threw", "gone"});
  CHECK(others == Events{"open", "data y"});
  CHECK(peer.was_reset());
  CHECK(net.counters().exceptions == 1);
  CHECK(std::count(net.log().begin(), net.log().end(), "error: test: on_data threw: oh\\n") == 1);
}

TEST_CASE("R4: what accept throws resets the peer and is counted, as is a refusal") {
  struct Refuses final : Service {
    std::unique_ptr<Handler> accept(Connection&) override {
      if (throws) throw std::runtime_error("no");
      return nullptr;
    }
    bool throws = false;
  };
  testing::Net net;
  Refuses service;
  service.throws = GENERATE(false, true);

  auto& peer = net.connect(service);

  CHECK(peer.was_reset());
  CHECK(peer.gone());
  CHECK(net.counters().refused_service == 1);
  CHECK(net.counters().exceptions == (service.throws ? 1 : 0));
  CHECK(net.leftovers().empty());
}

TEST_CASE("R4: what a task, a timer or Service::on_stop throws is logged and counted") {
  struct Stops final : Service {
    std::unique_ptr<Handler> accept(Connection&) override { return nullptr; }
    void on_stop() override { throw std::runtime_error("stop"); }
  };
  testing::Net net;
  Stops service;
  net.connect(service);
  const Timer timer = net.loop().after(Millis{1}, [] { throw std::runtime_error("timer"); });

  net.loop().post([] { throw 7; });
  net.advance(Millis{1});
  net.stop();

  CHECK(net.counters().exceptions == 3);
  CHECK(net.stopped());
  int told = 0;
  for (const std::string& line : net.log()) told += line.find(" threw: ") != std::string::npos;
  CHECK(told == 3);
}

TEST_CASE("R4: what on_close throws is logged, and the connection still goes") {
  struct Throws final : Handler {
    void on_close(Connection&, const CloseReason&) override { throw std::runtime_error("late"); }
  };
  testing::Net net;
  auto& peer = net.connect<Throws>();

  peer.end();

  CHECK(peer.gone());
  CHECK(net.counters().exceptions == 1);
  CHECK(net.leftovers().empty());
}

TEST_CASE("closing: each connection leaves one line in the log, at debug level") {
  Events seen;
  testing::Net net;
  auto& peer = net.connect(scripted(seen));
  peer.send("12345");
  peer.end();

  REQUIRE(net.log().size() == 1);
  CHECK(net.log()[0].find("debug: test: #") == 0);
  CHECK(net.log()[0].find("closed: ended by peer, in 5, out 0") != std::string::npos);
}
