#include <cerrno>

#include <catch2/catch.hpp>
#include <protocols/forward/forward.hpp>
#include <weir/testing.hpp>

using namespace weir;
using namespace weir::protocols;

namespace {

constexpr const char* kOne = "tcp://10.0.0.1:80";
constexpr const char* kTwo = "tcp://10.0.0.2:80";
constexpr const char* kThree = "tcp://10.0.0.3:80";

OptionValues to(std::vector<std::string> targets) { return {{"to", std::move(targets)}}; }

std::string faults(const OptionValues& options) {
  std::string all;
  for (const OptionFault& fault : check_options(kForward, options)) all += fault.sentence + "\n";
  return all;
}

std::string warnings(const testing::Net& net) {
  std::string all;
  for (const std::string& line : net.log()) {
    if (line.starts_with("warn: ")) all += line + "\n";
  }
  return all;
}

// What stands behind "cannot listen there", or nothing.
std::string refusal(std::string_view target, std::string_view listener) {
  Forward::Options options;
  options.to = {Url::parse("tcp://192.0.2.1:9"), Url::parse(target)};
  try {
    Forward(options).listening({Url::parse("tcp://127.0.0.1:1"), Url::parse(listener)});
  } catch (const SetupError& error) {
    CHECK(error.kind() == SetupError::Kind::usage);
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("forward: without a target it is not served, in one sentence") {
  CHECK(faults({}) == "forward: option \"to\" is required\n");
  CHECK(faults({{"connect-timeout", {"1s"}}}) == "forward: option \"to\" is required\n");
  CHECK(faults(to({kOne, "unix:///run/x.sock"})).empty());
  CHECK(describe_options(kForward).at(0).required);
}

TEST_CASE("forward: the connect timeout is from 1 ms to 10 minutes, 5 seconds unless told") {
  OptionValues options = to({kOne});
  for (const char* good : {"1ms", "10m"}) {
    options["connect-timeout"] = {good};
    CHECK(faults(options).empty());
  }
  for (const char* bad : {"off", "0", "11m", "soon"}) {
    options["connect-timeout"] = {bad};
    CHECK(faults(options).find("\"connect-timeout\"") != std::string::npos);
  }
  CHECK(describe_options(kForward).at(1).default_value == "5s");
}

TEST_CASE("forward: a target that cannot be dialled is refused before anything is bound") {
  const char* const target = GENERATE("udp://127.0.0.1:7", "tcp://*:7", "tcp://127.0.0.1:0");
  Forward::Options options;
  options.to = {Url::parse(kOne), Url::parse(target)};

  CHECK_THROWS_WITH(Forward(options), Catch::StartsWith("forward: cannot connect to "));
}

TEST_CASE("forward: a connection takes two descriptors") {
  CHECK(kForward.descriptors_per_connection == 2);
}

TEST_CASE("forward: bytes go to the target and back, and so do both ends") {
  const std::size_t chunk = GENERATE(1u, 7u, 4096u);
  testing::Net net;
  testing::Place& place = net.place(kOne);
  auto& client = net.connect(kForward, to({kOne}));
  testing::Peer* const target = place.next();
  REQUIRE(target != nullptr);

  client.send("a question", chunk);
  client.end();
  CHECK(target->take() == "a question");
  CHECK(target->ended());
  target->send("an answer", chunk);
  CHECK(client.take() == "an answer");
  CHECK_FALSE(client.ended());
  target->end();

  CHECK(client.ended());
  CHECK(client.reason()->code == CloseReason::Code::ended);
  CHECK(net.counters().connections == 0);
}

TEST_CASE("forward: from Unix socket to TCP and from TCP to Unix socket") {
  const bool from_unix = GENERATE(false, true);
  const std::string target = GENERATE(as<std::string>(), kOne, "unix:///run/target");
  testing::Net net({.unix_sockets = from_unix});
  testing::Place& place = net.place(target);
  auto& client = net.connect(kForward, to({target}));
  testing::Peer* const far = place.next();
  REQUIRE(far != nullptr);

  client.send("there");
  far->send("and back");

  CHECK(far->take() == "there");
  CHECK(client.take() == "and back");
}

TEST_CASE("forward: targets take turns") {
  testing::Net net;
  Service& service = net.open(kForward, to({kOne, kTwo, kThree}));
  for (const char* url : {kOne, kTwo, kThree}) net.place(url);

  for (int i = 0; i < 9; ++i) net.connect(service);

  for (const char* url : {kOne, kTwo, kThree}) CHECK(net.place(url).attempts() == 3);
}

TEST_CASE("forward: the next target steps in for one that fails, and nobody notices") {
  const bool resolves = GENERATE(true, false);
  const std::string down = resolves ? "tcp://down.test:80" : "tcp://10.0.0.9:80";
  testing::Net net;
  if (!resolves) net.place(down).refuse();
  testing::Place& place = net.place(kTwo);
  Service& service = net.open(kForward, to({down, kTwo}));

  for (int i = 0; i < 4; ++i) {
    auto& client = net.connect(service);
    testing::Peer* const target = place.next();
    REQUIRE(target != nullptr);
    client.send("hello");
    CHECK(target->take() == "hello");
    CHECK_FALSE(client.was_reset());
  }

  CHECK(warnings(net).find("cannot reach " + down) != std::string::npos);
}

TEST_CASE("forward: a target that does not answer is given up when its time is over") {
  testing::Net net;
  net.place(kOne).hang();
  testing::Place& second = net.place(kTwo);
  OptionValues options = to({kOne, kTwo});
  options["connect-timeout"] = {"300ms"};
  auto& client = net.connect(kForward, options);
  client.send("early words");

  net.advance(Millis{299});
  const bool early = second.next() != nullptr;
  net.advance(Millis{1});
  testing::Peer* const target = second.next();

  CHECK_FALSE(early);
  REQUIRE(target != nullptr);
  CHECK(target->take() == "early words");
}

TEST_CASE("forward: the log and the close reason tell why no target was reached") {
  struct Case {
    const char* url;
    int error;  // 0: a name nobody knows; negative: no answer.
    CloseReason::Code code;
    const char* words;
  };
  const Case one = GENERATE(values<Case>({
      {kOne, ECONNREFUSED, CloseReason::Code::connect_refused, "Connection refused"},
      {"unix:///run/none", ENOENT, CloseReason::Code::connect_refused, "No such file"},
      {kOne, -1, CloseReason::Code::connect_timeout, "connect timeout"},
      {kOne, EADDRNOTAVAIL, CloseReason::Code::no_local_port, "no local port"},
      {"tcp://nowhere.test:80", 0, CloseReason::Code::unresolved, "unresolved"},
  }));
  testing::Net net;
  if (one.error > 0) net.place(one.url).refuse(one.error);
  if (one.error < 0) net.place(one.url).hang();

  auto& client = net.connect(kForward, to({one.url}));
  net.advance(Millis{5'000});

  REQUIRE(client.reason().has_value());
  CHECK(name(client.reason()->code) == name(one.code));
  CHECK(client.was_reset());
  CHECK_THAT(warnings(net), Catch::StartsWith("warn: forward: cannot reach ") &&
                                Catch::Contains(one.url) && Catch::Contains(one.words));
}

TEST_CASE("forward: a name is looked up once for many connections") {
  testing::Net net;
  net.name("db.test", {"10.0.0.1"});
  testing::Place& place = net.place(kOne);
  Service& service = net.open(kForward, to({"tcp://db.test:80"}));

  for (int i = 0; i < 20; ++i) net.connect(service);

  CHECK(place.attempts() == 20);
  CHECK(net.lookups() == 1);
}

TEST_CASE("forward: a name that turns out to mean any of its listeners is not dialled") {
  testing::Net net;
  net.name("me.test", {"10.0.0.8", "10.0.0.9"});
  Service& service = net.open(kForward, to({"tcp://me.test:80"}));
  net.listen(service, "tcp://10.0.0.8:80");
  net.listen(service, "tcp://10.0.0.9:80");

  auto& client = net.dial("tcp://10.0.0.8:80");

  CHECK(client.was_reset());
  CHECK(net.counters().accepted == 1);
  CHECK(warnings(net).find("cannot reach tcp://me.test:80") != std::string::npos);
}

TEST_CASE("forward: each loop has connections of its own to the targets") {
  testing::Net net({.loops = 2});
  testing::Place& place = net.place(kOne);
  Service& service = net.open(kForward, to({kOne}));

  for (const std::size_t loop : {0u, 1u}) {
    auto& client = net.connect(net.on_loop(service, loop));
    testing::Peer* const target = place.next();
    REQUIRE(target != nullptr);
    client.send("hello");
    CHECK(target->take() == "hello");
    CHECK(&target->connection()->loop() == &client.connection()->loop());
  }
}

TEST_CASE("forward: to itself is refused before anybody can connect") {
  CHECK(refusal("tcp://127.0.0.1:80", "tcp://*:80") ==
        "forward: the target tcp://127.0.0.1:80 is this very service, which listens on tcp://*:80");
  CHECK_THAT(refusal("unix:///run/f.sock", "unix:///run/f.sock"), !Catch::Equals(""));
  CHECK_THAT(refusal("tcp://localhost:80", "tcp://127.0.0.1:80"), !Catch::Equals(""));
  CHECK_THAT(refusal("tcp://127.0.0.1:81", "tcp://127.0.0.1:80"), Catch::Equals(""));
  CHECK_THAT(refusal("unix:///run/g.sock", "unix:///run/f.sock"), Catch::Equals(""));
}
