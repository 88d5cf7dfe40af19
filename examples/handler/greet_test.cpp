#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#include <weir/testing.hpp>

#include "greet.hpp"
#include "hello.hpp"

using namespace std::chrono_literals;
using namespace weir;
using namespace examples;

TEST_CASE("hello: each name is answered once, however it was cut") {
  const std::size_t chunk = GENERATE(1u, 2u, 7u, 4096u);
  testing::Net net;
  auto& peer = net.connect(kHello);

  peer.send("Ann\r\nBob\n", chunk);

  CHECK(peer.take() == "Hello, Ann!\nHello, Bob!\n");
}

TEST_CASE("hello: a peer that only sends makes the server hold a bounded amount") {
  testing::Net net;
  auto& peer = net.connect(kHello);
  peer.stall();

  for (int i = 0; i < 100; ++i) peer.send(std::string(100'000, '\n'));

  CHECK(peer.connection()->pending() < 2 * Limits{}.write_high);
}

TEST_CASE("greet: the option stands before the name") {
  testing::Net net;
  auto& peer = net.connect(kGreet, {{"hello", {"Welcome"}}});

  peer.send("Ann\n");

  CHECK(peer.take() == "Welcome, Ann! You are guest 1.\n");
  CHECK(peer.ended());
}

TEST_CASE("greet: a value out of range is refused with a sentence that says what was expected") {
  testing::Net net;

  CHECK_THROWS_WITH(net.open(kGreet, {{"patience", {"5h"}}}),
                    Catch::Contains("\"patience\" is \"5h\", expected 100ms to 1h"));
}

TEST_CASE("greet: a guest who says no name is told so when patience is over, not before") {
  testing::Net net;
  auto& peer = net.connect(kGreet, {{"patience", {"2s"}}});

  net.advance(1'999ms);
  CHECK(peer.take().empty());

  net.advance(1ms);
  CHECK(peer.take() == "You did not say your name.\n");
  CHECK(peer.ended());
}

TEST_CASE("greet: guests are counted over all connections") {
  testing::Net net;
  auto& ann = net.connect(kGreet);
  auto& bob = net.connect(kGreet);

  bob.send("Bob\n");
  ann.send("Ann\n");

  CHECK(bob.take() == "Hello, Bob! You are guest 1.\n");
  CHECK(ann.take() == "Hello, Ann! You are guest 2.\n");
}

TEST_CASE("greet: a name cut off by the guest's end still counts") {
  testing::Net net;
  auto& peer = net.connect(kGreet);

  peer.send("Ann");
  peer.end();

  CHECK(peer.take() == "Hello, Ann! You are guest 1.\n");
  CHECK(peer.reason()->code == CloseReason::Code::ended);
}

TEST_CASE("greet: a name that is too long ends the connection without an answer") {
  testing::Net net;
  auto& peer = net.connect(kGreet);

  peer.send(std::string(Guest::kNameMax + 1, 'a') + "\n");

  CHECK(peer.take().empty());
  CHECK(peer.ended());
}
