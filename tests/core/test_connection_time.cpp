// Every timeout, with the clock moved by hand.
#include <catch2/catch.hpp>

#include "scripted.hpp"

using namespace weir;

namespace {

// One at a time: the others are off.
Timeouts off() {
  Timeouts none;
  none.first_byte = none.unfinished = none.idle = none.write_stall = Millis{0};
  none.half_closed = none.linger = none.linger_total = Millis{0};
  return none;
}

}  // namespace

TEST_CASE("idle: on_idle comes after silence both ways, not a millisecond early") {
  Timeouts timeouts = off();
  timeouts.idle = Millis{1'000};
  Events seen;
  testing::Net net({.timeouts = timeouts});
  auto& peer = net.connect(scripted(seen));
  net.advance(Millis{600});
  peer.send("x");
  net.advance(Millis{600});
  peer.connection()->write(std::string_view("y"));
  net.advance(Millis{999});
  CHECK(seen == Events{"open", "data x"});

  net.advance(Millis{1});
  CHECK(seen == Events{"open", "data x", "idle"});
  peer.end();

  CHECK(seen == Events{"open", "data x", "idle", "close idle", "gone"});
}

TEST_CASE("idle: a handler that stays is told again after as long a silence") {
  Timeouts timeouts = off();
  timeouts.idle = Millis{1'000};
  Events seen;
  testing::Net net({.timeouts = timeouts});
  auto handler = scripted(seen);
  handler->idle = stay;
  net.connect(std::move(handler));

  net.advance(Millis{3'500});

  CHECK(seen == Events{"open", "idle", "idle", "idle"});
}

TEST_CASE("idle: set_idle changes it, 0 turns it off") {
  Events seen;
  testing::Net net({.timeouts = off()});
  auto handler = scripted(seen);
  handler->idle = stay;
  auto& peer = net.connect(std::move(handler));
  peer.connection()->set_idle(Millis{50});
  net.advance(Millis{60});
  CHECK(seen == Events{"open", "idle"});

  peer.connection()->set_idle(Millis{0});
  net.advance(std::chrono::hours(24 * 60));

  CHECK(seen == Events{"open", "idle"});
}

TEST_CASE("idle: while a handler is paused its peer is not silent, and from then on it is again") {
  Timeouts timeouts = off();
  timeouts.idle = Millis{1'000};
  Events seen;
  testing::Net net({.timeouts = timeouts});
  auto& peer = net.connect(scripted(seen));
  peer.connection()->pause();
  net.advance(Millis{10'000});
  CHECK(seen == Events{"open"});

  peer.connection()->resume();
  net.advance(Millis{999});
  CHECK(seen == Events{"open"});
  net.advance(Millis{1});

  CHECK(seen == Events{"open", "idle"});
}

TEST_CASE("idle: it may be as long as 24 days") {
  Events seen;
  testing::Net net({.timeouts = off()});
  auto& peer = net.connect(scripted(seen));
  peer.connection()->set_idle(std::chrono::hours(24 * 24));

  net.advance(std::chrono::hours(24 * 24) - Millis{1});
  CHECK(seen == Events{"open"});
  net.advance(Millis{1});

  CHECK(seen == Events{"open", "idle"});
}

TEST_CASE("idle: it still works after the clock of 32 bits has come round") {
  Events seen;
  testing::Net net({.timeouts = off()});
  net.advance(std::chrono::hours(24 * 49) + std::chrono::hours(17));  // 2^32 ms are 49.7 days.
  auto& peer = net.connect(scripted(seen));
  peer.connection()->set_idle(std::chrono::hours(2));

  net.advance(std::chrono::hours(2) - Millis{1});
  CHECK(seen == Events{"open"});
  net.advance(Millis{1});

  CHECK(seen == Events{"open", "idle"});
}

TEST_CASE("first_byte: a peer that says nothing is cut, one that spoke is not") {
  Timeouts timeouts = off();
  timeouts.first_byte = Millis{1'000};
  Events silent;
  Events speaks;
  testing::Net net({.timeouts = timeouts});
  auto& one = net.connect(scripted(silent));
  auto& two = net.connect(scripted(speaks));
  two.send("x");

  net.advance(Millis{999});
  CHECK(silent == Events{"open"});
  net.advance(Millis{1});

  CHECK(silent == Events{"open", "close first byte", "gone"});
  CHECK(one.was_reset());
  CHECK(speaks == Events{"open", "data x"});
}

TEST_CASE("line_time: from a line's first byte, however it trickles in") {
  Timeouts timeouts = off();
  timeouts.unfinished = Millis{1'000};
  Events seen;
  testing::Net net({.timeouts = timeouts});
  auto handler = scripted(seen);
  handler->data = use_nothing;
  auto& peer = net.connect(std::move(handler));
  for (int i = 0; i < 9; ++i) {
    peer.send("x");
    net.advance(Millis{110});
  }
  CHECK_FALSE(peer.gone());

  net.advance(Millis{10});

  CHECK(peer.gone());
  CHECK(peer.reason()->code == CloseReason::Code::line_time);
}

TEST_CASE("line_time: each line has its own time, and a paused one is not hurried") {
  Timeouts timeouts = off();
  timeouts.unfinished = Millis{1'000};
  Events seen;
  testing::Net net({.timeouts = timeouts});
  auto handler = scripted(seen);
  handler->data = [](Connection&, Bytes data) { return data.size() - 1; };  // One line more begun.
  auto& peer = net.connect(std::move(handler));
  for (int i = 0; i < 5; ++i) {
    peer.send("line\nx");
    net.advance(Millis{900});
  }
  CHECK_FALSE(peer.gone());

  peer.connection()->pause();
  net.advance(Millis{60'000});

  CHECK_FALSE(peer.gone());
}

TEST_CASE("write_stall: only when not one byte is taken for so long") {
  Timeouts timeouts = off();
  timeouts.write_stall = Millis{1'000};
  Events seen;
  testing::Net net({.timeouts = timeouts});
  auto& peer = net.connect(scripted(seen));
  peer.stall();
  peer.room(0);
  peer.connection()->write(std::string(10'000, 'x'));
  net.run();
  for (std::size_t room = 1; room < 6; ++room) {
    net.advance(Millis{900});
    peer.room(room);  // One byte more.
  }
  CHECK_FALSE(peer.gone());
  net.advance(Millis{999});
  CHECK_FALSE(peer.gone());

  net.advance(Millis{1});

  CHECK(seen == Events{"open", "close write stall", "gone"});
  CHECK(peer.was_reset());
}

TEST_CASE("write_stall: a peer that never reads does not keep a closing connection") {
  Timeouts timeouts = off();
  timeouts.write_stall = Millis{1'000};
  Events seen;
  testing::Net net({.timeouts = timeouts});
  auto& peer = net.connect(scripted(seen));
  peer.stall();
  peer.room(0);
  peer.connection()->write(std::string_view("x"));
  peer.connection()->close();

  net.advance(Millis{1'000});

  CHECK(seen == Events{"open", "close write stall", "gone"});
}

TEST_CASE("half_closed: the other direction stays silent for so long") {
  Timeouts timeouts = off();
  timeouts.half_closed = Millis{1'000};
  const bool ours = GENERATE(false, true);
  Events seen;
  testing::Net net({.timeouts = timeouts});
  auto handler = scripted(seen);
  handler->eof = stay;
  auto& peer = net.connect(std::move(handler));
  if (ours) {
    peer.connection()->end();
    net.run();
  } else {
    peer.end();
  }
  net.advance(Millis{600});
  if (ours) {
    peer.send("x");
  } else {
    peer.connection()->write(std::string_view("x"));
  }
  net.advance(Millis{999});
  CHECK_FALSE(peer.gone());

  net.advance(Millis{1});

  CHECK(peer.gone());
  CHECK(peer.reason()->code == CloseReason::Code::half_closed);
}

TEST_CASE("linger: after close() a silent peer is waited for so long, and not reset") {
  Timeouts timeouts = off();
  timeouts.linger = Millis{1'000};
  Events seen;
  testing::Net net({.timeouts = timeouts});
  auto& peer = net.connect(scripted(seen));
  peer.connection()->close();
  net.advance(Millis{999});
  CHECK(seen == Events{"open"});

  net.advance(Millis{1});

  CHECK(seen == Events{"open", "close linger", "gone"});
  CHECK_FALSE(peer.was_reset());
  CHECK(peer.ended());
}

TEST_CASE("linger: close() after end() waits for a silent peer from then on, no longer") {
  Timeouts timeouts = off();
  timeouts.linger = Millis{1'000};
  Events seen;
  testing::Net net({.timeouts = timeouts});
  auto& peer = net.connect(scripted(seen));
  peer.connection()->end();
  net.advance(Millis{5'000});
  peer.connection()->close();
  net.advance(Millis{999});
  CHECK(seen == Events{"open"});

  net.advance(Millis{1});

  CHECK(seen == Events{"open", "close linger", "gone"});
}

TEST_CASE("linger: a peer that goes on sending gets linger_total") {
  Timeouts timeouts = off();
  timeouts.linger = Millis{1'000};
  timeouts.linger_total = Millis{5'000};
  Events seen;
  testing::Net net({.timeouts = timeouts});
  auto& peer = net.connect(scripted(seen));
  peer.connection()->close();
  for (int i = 0; i < 9; ++i) {
    peer.send("on and on");
    net.advance(Millis{500});
  }
  CHECK(seen == Events{"open"});

  peer.send("on and on");
  net.advance(Millis{500});

  CHECK(seen == Events{"open", "close linger", "gone"});
}

TEST_CASE("timeouts: activity alone costs no timer") {
  Events seen;
  testing::Net net({.automatic = false});
  auto& peer = net.connect(scripted(seen));
  net.run();
  const std::uint64_t before = net.turns();

  for (int i = 0; i < 100; ++i) {
    peer.send("x");
    net.turn();
    net.pass(Millis{1});
  }

  CHECK(net.turns() - before == 100);
}
