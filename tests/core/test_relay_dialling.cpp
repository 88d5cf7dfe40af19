// A relay before its target is connected: which one it dials, and what becomes of the client meanwhile.
#include <cerrno>

#include "relay_case.hpp"

using namespace weir;

namespace {

using Code = CloseReason::Code;

bool logged(const testing::Net& net, std::string_view words) {
  for (const std::string& line : net.log()) {
    if (line.find(words) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("relay: what the client sends at once arrives when the target is connected") {
  testing::NetOptions options;
  options.automatic = false;
  RelayCase on(options);
  on.client = &on.net.connect(on.service);
  on.client->send(pattern(1 << 20));
  on.client->end();
  on.net.run();

  on.backend = on.net.place(RelayCase::kBackend).next();
  REQUIRE(on.backend != nullptr);
  CHECK(on.backend->take() == pattern(1 << 20));
  CHECK(on.backend->ended());
}

TEST_CASE("relay: nothing of the client's is read before the target is connected") {
  RelayCase on;
  on.net.place(RelayCase::kBackend).hang();
  on.client = &on.net.connect(on.service);

  on.client->send(pattern(1 << 20));

  CHECK(on.client->receives() == 0);
  CHECK(on.client->connection()->bytes_in() == 0);
}

TEST_CASE("relay: targets take turns, and the next one is dialled when one refuses") {
  testing::Net net;
  RelayService service(net.loop(), {target("tcp://10.0.0.1:80"), target("tcp://10.0.0.2:80"),
                                    target("tcp://10.0.0.3:80")});
  net.place("tcp://10.0.0.1:80");
  net.place("tcp://10.0.0.2:80").refuse();
  net.place("tcp://10.0.0.3:80");

  for (int i = 0; i < 6; ++i) net.connect(service).send("x");

  CHECK(net.place("tcp://10.0.0.1:80").attempts() == 2);
  CHECK(net.place("tcp://10.0.0.2:80").attempts() == 2);
  CHECK(net.place("tcp://10.0.0.3:80").attempts() == 4);
  CHECK(net.counters().connect_refused == 2);
}

TEST_CASE("relay: every target is tried once, then the client is reset with the last reason") {
  testing::Net net;
  RelayService service(net.loop(), {target("tcp://10.0.0.1:80"), target("tcp://10.0.0.2:80")});
  net.place("tcp://10.0.0.1:80").refuse();
  net.place("tcp://10.0.0.2:80").refuse(EHOSTUNREACH);

  testing::Peer& client = net.connect(service);

  CHECK(net.place("tcp://10.0.0.1:80").attempts() == 1);
  CHECK(net.place("tcp://10.0.0.2:80").attempts() == 1);
  CHECK(client.was_reset());
  CHECK(client.reason()->code == Code::connect_refused);
  CHECK(client.reason()->error == EHOSTUNREACH);
}

TEST_CASE("relay: refused, timed out, no such name and no local port are told apart") {
  struct Case {
    const char* url;
    int error;
    Code code;
    const char* words;
  };
  const Case one = GENERATE(values<Case>({
      {"tcp://10.0.0.1:80", ECONNREFUSED, Code::connect_refused, "Connection refused"},
      {"tcp://10.0.0.1:80", ETIMEDOUT, Code::connect_timeout, "timed out"},
      {"tcp://10.0.0.1:80", EADDRNOTAVAIL, Code::no_local_port, "no local port"},
      {"tcp://no.such.name:80", 0, Code::unresolved, "no.such.name"},
      {"unix:///nowhere", ENOENT, Code::connect_refused, "No such file"},
  }));
  testing::Net net;
  RelayService service(net.loop(), {target(one.url)});
  if (one.error != 0) net.place(one.url).refuse(one.error);

  testing::Peer& client = net.connect(service);
  net.run();

  REQUIRE(client.gone());
  CHECK(name(client.reason()->code) == name(one.code));
  CHECK(logged(net, std::string("cannot reach ") + one.url));
  CHECK(logged(net, one.words));
  const Counters count = net.counters();
  CHECK(count.connect_refused == (one.code == Code::connect_refused ? 1 : 0));
  CHECK(count.connect_timeout == (one.code == Code::connect_timeout ? 1 : 0));
  CHECK(count.unresolved == (one.code == Code::unresolved ? 1 : 0));
  CHECK(count.no_local_port == (one.code == Code::no_local_port ? 1 : 0));
}

TEST_CASE("relay: a target that never answers costs the connect timeout") {
  testing::Net net;
  RelayService service(net.loop(), {target("tcp://10.0.0.1:80", Millis{500})});
  net.place("tcp://10.0.0.1:80").hang();
  testing::Peer& client = net.connect(service);

  net.advance(Millis{490});
  CHECK_FALSE(client.gone());
  net.advance(Millis{20});

  CHECK(client.gone());
  CHECK(client.reason()->code == Code::connect_timeout);
}

TEST_CASE("relay: one line a second says that a target cannot be reached, and how often") {
  testing::Net net;
  RelayService service(net.loop(), {target("tcp://10.0.0.1:80")});
  net.place("tcp://10.0.0.1:80").refuse();

  for (int i = 0; i < 50; ++i) net.connect(service);
  net.advance(Millis{1'000});
  net.connect(service);

  int lines = 0;
  for (const std::string& line : net.log()) lines += line.find("cannot reach") != std::string::npos;
  CHECK(lines == 2);
  CHECK(logged(net, "50 attempts"));
  CHECK(net.counters().connect_refused == 51);
}

TEST_CASE("relay: a client that goes while its target is dialled ends the dial") {
  RelayCase on;
  on.net.place(RelayCase::kBackend).hang();
  on.client = &on.net.connect(on.service);

  on.client->reset();
  on.net.run();

  CHECK(on.client->gone());
  CHECK(on.net.counters().connections == 0);
}

TEST_CASE("relay: a server that stops gives up a dial") {
  RelayCase on;
  on.net.place(RelayCase::kBackend).hang();
  on.client = &on.net.connect(on.service);

  on.net.stop();
  on.client->end();

  CHECK(on.net.stopped());
  CHECK(on.client->reason()->code == Code::stopping);
}

TEST_CASE("relay: a name that means the forwarder itself is not dialled") {
  testing::Net net;
  net.name("me.test", {"127.0.0.1"});
  RelayService service(net.loop(), {target("tcp://me.test:7000")});
  net.listen(service, "tcp://127.0.0.1:7000");

  testing::Peer& client = net.dial("tcp://127.0.0.1:7000");

  CHECK(client.gone());
  CHECK(net.counters().accepted == 1);
  CHECK(logged(net, "this service itself"));
  CHECK(client.reason()->code == Code::connect_refused);
}

TEST_CASE("relay: without a target it cannot be made") {
  testing::Net net;

  CHECK_THROWS_WITH(RelayService(net.loop(), {}), Catch::Contains("1 to 1024 targets"));
  CHECK_THROWS_WITH(RelayService(net.loop(), {target("tcp://10.0.0.1:0")}),
                    Catch::Contains("port 0"));
}
