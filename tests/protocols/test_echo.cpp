#include <catch2/catch.hpp>
#include <protocols/echo/echo.hpp>
#include <weir/testing.hpp>

using namespace weir;
using namespace weir::protocols;

namespace {

const OptionValues kPrefix = {{"prefix", {"> "}}};

std::string every_byte() {
  std::string all;
  for (int i = 0; i < 5000; ++i) all += static_cast<char>(i % 256);
  return all;
}

}  // namespace

TEST_CASE("echo: every byte comes back, however it was cut") {
  const std::size_t chunk = GENERATE(1u, 2u, 7u, 4096u);
  const bool unix_sockets = GENERATE(false, true);
  testing::Net net({.unix_sockets = unix_sockets});
  auto& peer = net.connect(kEcho);

  peer.send(every_byte(), chunk);

  CHECK(peer.take() == every_byte());
}

TEST_CASE("echo: what came before the peer's FIN is still sent back") {
  testing::Net net({.automatic = false});
  auto& peer = net.connect(kEcho);
  peer.send("last words");
  peer.end();

  net.run();

  CHECK(peer.take() == "last words");
  CHECK(peer.ended());
  CHECK(peer.reason()->code == CloseReason::Code::ended);
}

TEST_CASE("echo: a peer that does not read is not read from, and gets everything later") {
  testing::Net net;
  auto& peer = net.connect(kEcho);
  peer.stall();
  std::string sent;
  for (int i = 0; i < 1000; ++i) {
    const std::string part(1000, static_cast<char>('a' + i % 26));
    peer.send(part);
    sent += part;
  }

  const std::size_t pending = peer.connection()->pending();
  peer.unstall();

  CHECK(pending <= Limits{}.write_high + (64 << 10));
  CHECK(peer.take() == sent);
}

TEST_CASE("echo: a connection moves to another loop and goes on", "[plain][moves]") {
  testing::Net net({.loops = 2});
  Service& service = net.open(kEcho);
  auto& peer = net.connect(service);
  peer.send("one ");

  REQUIRE(net.move(peer, net.on_loop(service, 1)));
  peer.send("two");
  peer.end();

  CHECK(peer.take() == "one two");
  CHECK(peer.ended());
}

TEST_CASE("echo with a prefix: each line is answered once, however it was cut") {
  const std::size_t chunk = GENERATE(1u, 2u, 7u, 4096u);
  testing::Net net;
  auto& peer = net.connect(kEcho, kPrefix);

  peer.send("a\nb\r\n\n\rc\n", chunk);

  CHECK(peer.take() == "> a\r\n> b\r\n> \r\n> \rc\r\n");
}

TEST_CASE("echo with a prefix: an unfinished line is answered at the peer's FIN") {
  testing::Net net;
  auto& peer = net.connect(kEcho, kPrefix);

  peer.send("half");
  const std::string before = peer.take();
  peer.end();

  CHECK(before.empty());
  CHECK(peer.take() == "> half\r\n");
  CHECK(peer.ended());
}

TEST_CASE("echo with a prefix: a longer line than the limit is told off and closed") {
  const std::size_t chunk = GENERATE(1u, 2u, 7u, 4096u);
  testing::Net net;
  auto& peer = net.connect(kEcho, {{"prefix", {"> "}}, {"line-max", {"10"}}});

  peer.send("0123456789\n0123456789A\nmore\n", chunk);

  CHECK(peer.take() == "> 0123456789\r\nline too long\r\n");
  CHECK(peer.ended());
}

TEST_CASE("echo with a prefix: many empty lines in one read do not pile up as output") {
  testing::Net net;
  auto& peer = net.connect(kEcho, {{"prefix", {std::string(1000, 'p')}}});
  peer.stall();
  peer.send(std::string(10'000, '\n'));

  const std::size_t pending = peer.connection()->pending();
  peer.unstall();
  peer.end();

  CHECK(pending <= Limits{}.write_high + 1002);
  CHECK(peer.take().size() == 10'000 * 1002);
  CHECK(peer.ended());
}

TEST_CASE("echo with a prefix: the answers to one read leave in one system call") {
  testing::Net net;
  auto& peer = net.connect(kEcho, kPrefix);

  peer.send("a\nb\nc\nd\n");

  CHECK(peer.take() == "> a\r\n> b\r\n> c\r\n> d\r\n");
  CHECK(peer.sends() == 1);
}
