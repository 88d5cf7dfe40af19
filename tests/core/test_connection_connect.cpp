// Outgoing connections: names, addresses in order, one deadline.
#include <cerrno>

#include <catch2/catch.hpp>

#include "scripted.hpp"

using namespace weir;

namespace {

ConnectOptions to(std::string_view url, Millis timeout = Millis{5'000}) {
  return {Url::parse(url), timeout};
}

}  // namespace

TEST_CASE("connect: it opens, talks both ways and ends") {
  Events seen;
  testing::Net net;
  testing::Place& place = net.place("tcp://10.0.0.1:80");
  net.loop().connect(to("tcp://10.0.0.1:80"), scripted(seen));
  net.run();
  testing::Peer* const peer = place.next();
  REQUIRE(peer != nullptr);

  peer->connection()->write(std::string_view("question"));
  peer->send("answer");
  CHECK(peer->take() == "question");
  CHECK(peer->connection()->peer().text() == "10.0.0.1:80");
  peer->end();

  CHECK(seen == Events{"open", "data answer", "eof ", "close ended by peer", "gone"});
}

TEST_CASE("connect: a name is looked up and its addresses are tried in order") {
  Events seen;
  testing::Net net;
  net.name("db.test", {"10.0.0.1", "10.0.0.2", "::1"});
  net.place("tcp://10.0.0.1:80").refuse();
  net.place("tcp://10.0.0.2:80").refuse(EHOSTUNREACH);
  testing::Place& third = net.place("tcp://[::1]:80");

  net.loop().connect(to("tcp://db.test:80"), scripted(seen));
  net.run();

  CHECK(net.place("tcp://10.0.0.1:80").attempts() == 1);
  CHECK(net.place("tcp://10.0.0.2:80").attempts() == 1);
  CHECK(third.next() != nullptr);
  CHECK(seen == Events{"open"});
}

TEST_CASE("connect: an address that fails at once is passed over like one that fails later") {
  Events seen;
  testing::Net net;
  net.name("db.test", {"10.0.0.1", "10.0.0.2"});
  net.place("tcp://10.0.0.1:80").refuse(ENETUNREACH);
  testing::Place& second = net.place("tcp://10.0.0.2:80");

  net.loop().connect(to("tcp://db.test:80"), scripted(seen));
  net.run();

  CHECK(second.next() != nullptr);
}

TEST_CASE("connect: the reason tells how it failed") {
  struct Case {
    std::string url;
    int error;
    CloseReason::Code code;
  };
  const Case one = GENERATE(values<Case>({
      {"tcp://10.0.0.1:80", ECONNREFUSED, CloseReason::Code::connect_refused},
      {"tcp://10.0.0.1:80", ETIMEDOUT, CloseReason::Code::connect_timeout},
      {"tcp://10.0.0.1:80", EADDRNOTAVAIL, CloseReason::Code::no_local_port},
      {"unix:///nowhere", ENOENT, CloseReason::Code::connect_refused},
  }));
  Events seen;
  testing::Net net;
  std::optional<CloseReason> reason;
  struct Keeps final : Handler {
    explicit Keeps(std::optional<CloseReason>& kept) : kept_(kept) {}
    void on_close(Connection&, const CloseReason& why) override { kept_ = why; }
    std::optional<CloseReason>& kept_;
  };
  net.place(one.url).refuse(one.error);

  net.loop().connect(to(one.url), std::make_unique<Keeps>(reason));
  net.run();

  REQUIRE(reason.has_value());
  CHECK(name(reason->code) == name(one.code));
  CHECK(reason->error == one.error);
}

TEST_CASE("connect: a name without an address is unresolved") {
  Events seen;
  testing::Net net;

  net.loop().connect(to("tcp://nowhere.test:80"), scripted(seen));
  net.run();

  CHECK(seen == Events{"close unresolved", "gone"});
}

TEST_CASE("connect: an address that never answers costs a share of the time, not all of it") {
  Events seen;
  testing::Net net;
  net.name("db.test", {"10.0.0.1", "10.0.0.2"});
  net.place("tcp://10.0.0.1:80").hang();
  testing::Place& second = net.place("tcp://10.0.0.2:80");

  net.loop().connect(to("tcp://db.test:80", Millis{4'000}), scripted(seen));
  net.advance(Millis{3'999});

  CHECK(second.next() != nullptr);
  CHECK(seen == Events{"open"});
}

TEST_CASE("connect: one deadline spans the lookup and all addresses") {
  Events seen;
  testing::Net net;
  net.name("db.test", {"10.0.0.1", "10.0.0.2"}, Millis{700});
  net.place("tcp://10.0.0.1:80").hang();
  net.place("tcp://10.0.0.2:80").hang();
  net.loop().connect(to("tcp://db.test:80", Millis{1'000}), scripted(seen));

  net.advance(Millis{999});
  CHECK(seen.empty());
  net.advance(Millis{1});

  CHECK(seen == Events{"close connect timeout by peer: Connection timed out", "gone"});
}

TEST_CASE("connect: a lookup that takes longer than the deadline is given up, and forgotten") {
  Events seen;
  testing::Net net;
  net.name("slow.test", {"10.0.0.1"}, Millis{10'000});
  testing::Place& place = net.place("tcp://10.0.0.1:80");
  net.loop().connect(to("tcp://slow.test:80", Millis{1'000}), scripted(seen));

  net.advance(Millis{1'000});
  CHECK(seen.size() == 2);
  CHECK(seen[0].starts_with("close connect timeout"));
  net.advance(Millis{20'000});

  CHECK(seen.size() == 2);
  CHECK(place.attempts() == 0);
}

TEST_CASE("connect: end() before it is open sends what was written, then FIN") {
  Events seen;
  testing::Net net;
  testing::Place& place = net.place("tcp://10.0.0.1:80");
  Connection& made = net.loop().connect(to("tcp://10.0.0.1:80"), scripted(seen));
  made.write(std::string_view("all there is"));
  made.end();
  net.run();
  testing::Peer* const peer = place.next();
  REQUIRE(peer != nullptr);

  CHECK(peer->take() == "all there is");
  CHECK(peer->ended());
}

TEST_CASE("connect: a URL that cannot be dialled is a SetupError, and nothing is left") {
  const std::string url = GENERATE("udp://127.0.0.1:7", "tcp://*:7", "tcp://127.0.0.1:0");
  Events seen;
  testing::Net net;

  CHECK_THROWS_AS(net.loop().connect(to(url), scripted(seen)), SetupError);

  CHECK(net.leftovers().empty());
}

TEST_CASE("connect: a loop can reach a service of its own net") {
  struct Echo final : Handler {
    std::size_t on_data(Connection& self, Bytes data) override {
      self.write(data);
      return data.size();
    }
  };
  static constexpr ServiceType type = handler_type<Echo>("echo", "Sends back.");
  Events seen;
  testing::Net net({.loops = 2});
  net.listen(net.open(type), "tcp://10.0.0.9:7");
  auto handler = scripted(seen);
  handler->open = [](Connection& self) { self.write(std::string_view("round")); };
  handler->data = [](Connection& self, Bytes data) {
    self.close();
    return data.size();
  };

  net.loop(1).connect(to("tcp://10.0.0.9:7"), std::move(handler));
  net.run();

  CHECK(seen == Events{"open", "data round", "close ended", "gone"});
  CHECK(net.leftovers().empty());
}
