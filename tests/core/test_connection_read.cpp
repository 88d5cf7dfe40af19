// Reading: the unread tail, pausing, EOF, fairness. Rule R9.
#include <algorithm>

#include <catch2/catch.hpp>

#include "scripted.hpp"

using namespace weir;

TEST_CASE("reading: unused bytes come again in front of new ones") {
  Events seen;
  testing::Net net;
  auto handler = scripted(seen);
  handler->data = [](Connection&, Bytes data) { return data.size() / 2; };
  auto& peer = net.connect(std::move(handler));

  peer.send("abcd");
  peer.send("ef");
  peer.send("g");

  CHECK(seen == Events{"open", "data abcd", "data cdef", "data efg"});
}

TEST_CASE("R9: unused bytes never come again by themselves") {
  Events seen;
  testing::Net net;
  auto handler = scripted(seen);
  handler->data = use_nothing;
  auto& peer = net.connect(std::move(handler));
  peer.send("kept");

  net.advance(Millis{10'000});

  CHECK(seen == Events{"open", "data kept"});
  CHECK(peer.connection() != nullptr);
}

TEST_CASE("R9: unused bytes come again after resume(), without new ones") {
  Events seen;
  testing::Net net;
  auto handler = scripted(seen);
  handler->data = [](Connection& self, Bytes) -> std::size_t {
    self.pause();
    return 1;
  };
  auto& peer = net.connect(std::move(handler));
  peer.send("abc");
  CHECK(seen == Events{"open", "data abc"});

  peer.connection()->resume();
  net.run();

  CHECK(seen == Events{"open", "data abc", "data bc"});
}

TEST_CASE("R9: unused bytes come again once when resume() and new bytes fall into one turn") {
  Events seen;
  testing::Net net({.automatic = false});
  auto handler = scripted(seen);
  handler->data = use_nothing;
  auto& peer = net.connect(std::move(handler));
  net.run();
  peer.send("ab");
  net.run();

  peer.connection()->pause();
  peer.connection()->resume();
  peer.send("c");
  net.run();

  CHECK(seen == Events{"open", "data ab", "data abc"});
}

TEST_CASE("R9: unused bytes come with on_eof") {
  Events seen;
  testing::Net net;
  auto handler = scripted(seen);
  handler->data = use_nothing;
  auto& peer = net.connect(std::move(handler));

  peer.send("tail");
  peer.end();

  CHECK(seen == Events{"open", "data tail", "eof tail", "close ended by peer", "gone"});
}

TEST_CASE("reading: unread_max bytes may be unused, one more is read_overflow") {
  const std::size_t size = GENERATE(1'000u, 1'001u);
  const std::size_t chunk = GENERATE(1u, 7u, 1'001u);
  Events seen;
  testing::Net net({.limits = {.unread_max = 1'000}});
  auto handler = scripted(seen);
  handler->data = use_nothing;
  auto& peer = net.connect(std::move(handler));

  peer.send(std::string(size, 'x'), chunk);

  CHECK(peer.gone() == (size > 1'000));
  CHECK(peer.was_reset() == (size > 1'000));
  if (peer.gone()) CHECK(peer.reason()->code == CloseReason::Code::read_overflow);
}

TEST_CASE("pause: nothing is read, and what comes waits in the kernel") {
  Events seen;
  testing::Net net;
  auto& peer = net.connect(scripted(seen));
  peer.connection()->pause();
  net.run();
  const std::uint64_t before = peer.receives();

  peer.send("later");
  net.advance(Millis{1'000});
  CHECK(seen == Events{"open"});
  CHECK(peer.receives() == before);
  CHECK(peer.connection()->paused());
  peer.connection()->resume();
  net.run();

  CHECK(seen == Events{"open", "data later"});
}

TEST_CASE("pause: it is a flag, not a count") {
  Events seen;
  testing::Net net;
  auto& peer = net.connect(scripted(seen));
  peer.connection()->pause();
  peer.connection()->pause();
  peer.connection()->resume();

  peer.send("x");

  CHECK(seen == Events{"open", "data x"});
}

TEST_CASE("pause: EOF is held back") {
  Events seen;
  testing::Net net;
  auto& peer = net.connect(scripted(seen));
  peer.connection()->pause();
  peer.send("words");
  peer.end();
  CHECK(seen == Events{"open"});

  peer.connection()->resume();
  net.run();

  CHECK(seen == Events{"open", "data words", "eof ", "close ended by peer", "gone"});
}

TEST_CASE("pause: EOF that was read in the same turn is held back as well") {
  Events seen;
  testing::Net net({.automatic = false});
  auto handler = scripted(seen);
  handler->data = [](Connection& self, Bytes data) {
    self.pause();
    return data.size();
  };
  auto& peer = net.connect(std::move(handler));
  net.run();
  peer.send("words");
  peer.end();
  net.run();
  CHECK(seen == Events{"open", "data words"});

  peer.connection()->resume();
  net.run();

  CHECK(seen == Events{"open", "data words", "eof ", "close ended by peer", "gone"});
}

TEST_CASE("half-close: after the peer's FIN writing goes on, without a bound in time or size") {
  Events seen;
  testing::Net net;
  auto handler = scripted(seen);
  handler->eof = [](Connection& self) {
    self.write(std::string(150'000, 'x'));
    self.end();
  };
  auto& peer = net.connect(std::move(handler));
  peer.stall();

  peer.end();
  net.advance(Millis{10'000});
  peer.unstall();

  CHECK(peer.take().size() == 150'000);
  CHECK(peer.ended());
  CHECK_FALSE(peer.was_reset());
}

TEST_CASE("half-close: after end() reading goes on until the peer's FIN") {
  Events seen;
  testing::Net net;
  auto& peer = net.connect(scripted(seen));
  peer.connection()->end();
  net.run();
  CHECK(peer.ended());

  peer.send("still heard");
  peer.end();

  CHECK(seen == Events{"open", "data still heard", "eof ", "close ended", "gone"});
}

TEST_CASE("half-close: a write after end() is dropped") {
  Events seen;
  testing::Net net;
  auto& peer = net.connect(scripted(seen));
  peer.connection()->write(std::string_view("before"));
  peer.connection()->end();
  CHECK(peer.connection()->write(std::string_view("after")) == Flow::open);
  net.run();

  CHECK(peer.take() == "before");
}

TEST_CASE("fairness: a firehose gets a bounded number of reads in a turn") {
  Events seen;
  Events others;
  testing::Net net({.automatic = false});
  auto& firehose = net.connect(scripted(seen));
  auto& other = net.connect(scripted(others));
  net.run();
  firehose.send(std::string(10 << 20, 'x'));
  other.send("me too");
  const std::uint64_t before = firehose.receives();

  net.turn();

  CHECK(firehose.receives() - before <= 4);
  CHECK(others == Events{"open", "data me too"});
}

TEST_CASE("reading: no second read to see that nothing is left") {
  Events seen;
  testing::Net net;
  auto& peer = net.connect(scripted(seen));
  const std::uint64_t before = peer.receives();

  peer.send("x");

  CHECK(peer.receives() - before == 1);
}

TEST_CASE("reading: every byte arrives in order, whatever goes wrong on the way") {
  testing::NetOptions options;
  options.seed = GENERATE(range<std::uint64_t>(1, 30));
  options.faults = {.short_receive = 400, .again = 300, .spurious = 300, .late = 300};
  Events seen;
  testing::Net net(options);
  std::string got;
  auto handler = scripted(seen);
  handler->data = [&](Connection& self, Bytes data) {
    const std::size_t used = self.loop().random() % (data.size() + 1);
    got += as_text(data.first(used));
    return used;
  };
  auto& peer = net.connect(std::move(handler));
  std::string sent;
  for (int i = 0; i < 5'000; ++i) sent += std::to_string(i);

  peer.send(sent, 100);
  peer.end();
  const std::string& last = *(seen.end() - 3);

  CHECK(last.starts_with("eof "));
  CHECK(got + last.substr(4) == sent);
}

TEST_CASE("reading: the counters tell what came and went") {
  Events seen;
  testing::Net net;
  auto& peer = net.connect(scripted(seen));

  peer.send("12345");
  peer.connection()->write(std::string_view("123"));
  net.run();

  CHECK(peer.connection()->bytes_in() == 5);
  CHECK(peer.connection()->bytes_out() == 3);
}
