// The relay in memory: what is carried across, in copy and in splice.
#include <cerrno>

#include "relay_case.hpp"

using namespace weir;

namespace {

constexpr std::size_t kStream = 3 << 20;

testing::NetOptions with_pipes(std::size_t pipes) {
  testing::NetOptions options;
  options.pipes = pipes;
  return options;
}

}  // namespace

TEST_CASE("relay: bytes cross both ways, however they were cut") {
  const std::size_t chunk = GENERATE(1u, 2u, 7u, 4096u);
  RelayCase on;
  on.connect();

  on.client->send("a question", chunk);
  on.backend->send("an answer", chunk);

  CHECK(on.backend->take() == "a question");
  CHECK(on.client->take() == "an answer");
}

TEST_CASE("relay: a stream is spliced where there are pipes, and arrives whole either way") {
  const std::size_t pipes = GENERATE(0u, 32u);
  const bool up = GENERATE(true, false);
  RelayCase on(with_pipes(pipes));
  on.connect();
  testing::Peer& from = up ? *on.client : *on.backend;
  testing::Peer& to = up ? *on.backend : *on.client;

  from.send(pattern(kStream));
  from.end();

  CHECK(to.take() == pattern(kStream));
  CHECK(to.ended());
  CHECK((on.net.counters().spliced > kStream / 2) == (pipes > 0 && can_splice()));
}

TEST_CASE("relay: small messages are never spliced") {
  RelayCase on;
  on.connect();

  for (int i = 0; i < 100; ++i) on.client->send(pattern(60'000));

  CHECK(on.backend->arrived() == 6'000'000);
  CHECK(on.net.counters().spliced == 0);
}

TEST_CASE("relay: a stream that becomes chatter is copied again", "[plain][splice]") {
  RelayCase on;
  on.connect();
  on.client->send(pattern(kStream));
  for (int i = 0; i < 2; ++i) on.client->send("chatter");
  const std::uint64_t spliced = on.net.counters().spliced;

  for (int i = 0; i < 10; ++i) on.client->send("chatter");

  CHECK(spliced > 0);
  CHECK(on.net.counters().spliced == spliced);
  CHECK(on.backend->arrived() == kStream + std::size_t{12} * 7);
}

TEST_CASE("relay: chatter that becomes a stream again is spliced again", "[plain][splice]") {
  RelayCase on;
  on.connect();

  std::uint64_t before = 0;
  for (int i = 0; i < 3; ++i) {
    on.client->send(pattern(kStream));
    CHECK(on.net.counters().spliced > before);
    for (int j = 0; j < 4; ++j) on.client->send("chatter");
    before = on.net.counters().spliced;
  }

  CHECK(on.backend->arrived() == 3 * (kStream + std::size_t{4} * 7));
}

TEST_CASE("relay: a pipe smaller than what is there moves it piece by piece", "[plain][splice]") {
  testing::NetOptions options;
  options.pipe_size = 20'000;
  RelayCase on(options);
  on.connect();

  on.client->send(pattern(kStream));

  CHECK(on.backend->take() == pattern(kStream));
  CHECK(on.net.counters().spliced > kStream / 2);
}

TEST_CASE("relay: a system that cannot splice copies") {
  testing::NetOptions options;
  options.pipe_size = 0;
  RelayCase on(options);
  on.connect();

  on.client->send(pattern(kStream));

  CHECK(on.backend->take() == pattern(kStream));
  CHECK(on.net.counters().spliced == 0);
}

TEST_CASE("relay: with every pipe in use other streams are copied", "[plain][splice]") {
  testing::NetOptions options;
  options.pipes = 1;
  RelayCase on(options);
  on.connect();
  testing::Peer& first_backend = *on.backend;
  on.client->send(pattern(kStream));
  first_backend.stall();
  on.client->send(pattern(kStream, kStream));  // Holds the pipe.
  const std::uint64_t spliced = on.net.counters().spliced;
  on.connect();

  on.client->send(pattern(kStream));

  CHECK(spliced > 0);
  CHECK(on.backend->take() == pattern(kStream));
  CHECK(on.net.counters().spliced == spliced);
  first_backend.unstall();
  CHECK(first_backend.take() == pattern(2 * kStream));
}

TEST_CASE("relay: with a trace every byte is seen, so none is spliced") {
  testing::NetOptions options;
  options.trace = true;
  RelayCase on(options);
  on.connect();

  on.client->send(pattern(kStream));

  CHECK(on.backend->take() == pattern(kStream));
  CHECK(on.net.counters().spliced == 0);
}

TEST_CASE("relay: a receiver that takes nothing stops its sender, and gets everything later") {
  const std::size_t pipes = GENERATE(0u, 32u);
  const bool up = GENERATE(true, false);
  testing::NetOptions options = with_pipes(pipes);
  options.timeouts.write_stall = Millis{0};
  RelayCase on(options);
  on.connect();
  testing::Peer& from = up ? *on.client : *on.backend;
  testing::Peer& to = up ? *on.backend : *on.client;
  from.send(pattern(kStream));
  to.stall();

  from.send(pattern(kStream, kStream));
  const std::size_t pending = to.connection()->pending();
  const std::uint64_t turns = on.net.turns();
  on.net.advance(Millis{20'000});

  CHECK(pending > 0);
  CHECK(pending <= (pipes > 0 ? 1 << 20 : 80 << 10));
  CHECK(to.connection()->pending() == pending);
  CHECK(on.net.turns() - turns < 20);
  to.unstall();
  CHECK(to.take() == pattern(2 * kStream));
}

TEST_CASE("relay: what is written behind a pipe comes after what the pipe holds") {
  testing::NetOptions options;
  options.limits.write_max = 4 << 20;
  RelayCase on(options);
  on.connect();
  on.client->send(pattern(kStream));
  on.backend->take();
  on.backend->stall();
  on.client->send(pattern(kStream));
  const std::size_t before = on.backend->connection()->pending();

  on.backend->connection()->write("between");
  on.net.run();
  CHECK(on.backend->connection()->pending() == before + 7);
  on.backend->unstall();

  const std::string got = on.backend->take();
  CHECK(got.size() == kStream + 7);
  const std::size_t at = got.find("between");
  REQUIRE(at != std::string::npos);
  CHECK(got.substr(0, at) + got.substr(at + 7) == pattern(kStream));
}

TEST_CASE("relay: a half-close crosses, and the other direction goes on") {
  const bool up = GENERATE(true, false);
  RelayCase on;
  on.connect();
  testing::Peer& first = up ? *on.client : *on.backend;
  testing::Peer& second = up ? *on.backend : *on.client;

  first.send("the last");
  first.end();
  CHECK(second.take() == "the last");
  CHECK(second.ended());
  CHECK_FALSE(first.ended());
  second.send(pattern(kStream));
  second.end();

  CHECK(first.take() == pattern(kStream));
  CHECK(first.ended());
  CHECK(on.client->reason()->code == CloseReason::Code::ended);
  CHECK(on.backend->gone());
}

TEST_CASE("relay: a FIN waits behind what is still pending") {
  const std::size_t pipes = GENERATE(0u, 32u);
  RelayCase on(with_pipes(pipes));
  on.connect();
  on.client->send(pattern(kStream));
  on.backend->stall();
  on.client->send(pattern(kStream, kStream));
  on.client->end();
  CHECK_FALSE(on.backend->ended());

  on.backend->unstall();

  CHECK(on.backend->take() == pattern(2 * kStream));
  CHECK(on.backend->ended());
}

TEST_CASE("relay: both ends in the same moment end in order") {
  RelayCase on(testing::NetOptions{.automatic = false});
  on.client = &on.net.connect(on.service);
  on.net.run();
  on.backend = on.net.place(RelayCase::kBackend).next();

  on.client->send("one");
  on.backend->send("two");
  on.client->end();
  on.backend->end();
  on.net.run();

  CHECK(on.backend->take() == "one");
  CHECK(on.client->take() == "two");
  CHECK(on.client->reason()->code == CloseReason::Code::ended);
  CHECK(on.backend->reason()->code == CloseReason::Code::ended);
}

TEST_CASE("relay: a reset crosses as a reset") {
  const bool up = GENERATE(true, false);
  const std::size_t streamed = GENERATE(std::size_t{0}, kStream);
  RelayCase on;
  on.connect();
  testing::Peer& from = up ? *on.client : *on.backend;
  testing::Peer& to = up ? *on.backend : *on.client;
  from.send(pattern(streamed));

  from.reset();

  CHECK(to.was_reset());
  CHECK(to.take() == pattern(streamed));
  CHECK(from.reason()->text() == "reset by peer: Connection reset by peer");
  CHECK(to.reason()->code == CloseReason::Code::reset);
}

TEST_CASE("relay: a reset after a FIN is not taken for the end") {
  RelayCase on;
  on.connect();
  on.client->end();
  REQUIRE(on.backend->ended());

  on.backend->send("half of");
  on.backend->reset();

  CHECK(on.client->was_reset());
  CHECK_FALSE(on.client->ended());
}

TEST_CASE("relay: a sender that is reset while its receiver is stalled is noticed") {
  const std::size_t pipes = GENERATE(0u, 32u);
  RelayCase on(with_pipes(pipes));
  on.connect();
  on.client->send(pattern(kStream));
  on.backend->stall();
  on.client->send(pattern(kStream));

  on.client->cut(ECONNRESET);
  on.backend->unstall();

  CHECK(on.client->gone());
  CHECK(on.backend->was_reset());
}

TEST_CASE("relay: a pipe that held bytes of a dead connection is replaced", "[plain][splice]") {
  testing::NetOptions options;
  options.pipes = 1;
  RelayCase on(options);
  for (int i = 0; i < 3; ++i) {
    const std::uint64_t spliced = on.net.counters().spliced;
    on.connect();
    on.client->send(pattern(kStream));
    CHECK(on.net.counters().spliced > spliced);
    on.backend->stall();
    on.client->send(pattern(kStream));

    on.client->reset();
    on.net.run();
    CHECK(on.backend->gone());
  }
}

TEST_CASE("relay: silence closes both connections, for the same reason") {
  testing::NetOptions options;
  options.timeouts.idle = Millis{1'000};
  RelayCase on(options);
  on.connect();
  on.client->send("hello");

  on.net.advance(Millis{900});
  CHECK_FALSE(on.client->ended());
  on.net.advance(Millis{200});

  CHECK(on.client->ended());
  CHECK(on.backend->ended());
  on.client->end();
  on.backend->end();
  CHECK(on.client->reason()->code == CloseReason::Code::idle);
  CHECK(on.backend->reason()->code == CloseReason::Code::idle);
}

TEST_CASE("relay: a direction that streams keeps the silent one alive") {
  testing::NetOptions options;
  options.timeouts.idle = Millis{1'000};
  options.timeouts.half_closed = Millis{1'000};
  RelayCase on(options);
  on.connect();
  on.client->end();

  for (int i = 0; i < 60; ++i) {
    on.net.advance(Millis{900});
    on.backend->send("more");
  }
  on.backend->end();

  CHECK(on.client->take().size() == 240);
  CHECK(on.client->reason()->code == CloseReason::Code::ended);
}

TEST_CASE("relay: one half closed and the other silent is cut") {
  testing::NetOptions options;
  options.timeouts.half_closed = Millis{1'000};
  RelayCase on(options);
  on.connect();
  on.client->end();

  on.net.advance(Millis{1'100});

  CHECK(on.client->gone());
  CHECK(on.backend->gone());
  CHECK(on.client->reason()->code == CloseReason::Code::half_closed);
}

TEST_CASE("relay: a server that stops closes a pair after a second of silence both ways") {
  RelayCase on;
  on.connect();
  on.client->send("hello");
  on.net.stop();

  on.net.advance(Millis{800});
  on.backend->send("still busy");
  CHECK(on.client->take() == "still busy");
  on.net.advance(Millis{800});
  CHECK_FALSE(on.client->ended());
  on.net.advance(Millis{300});

  CHECK(on.client->ended());
  CHECK(on.backend->ended());
  on.client->end();
  on.backend->end();
  CHECK(on.net.stopped());
  CHECK(on.client->reason()->code == CloseReason::Code::stopping);
}

TEST_CASE("relay: a sender that was held back is not silent once its receiver takes bytes again") {
  const std::size_t pipes = GENERATE(0u, 32u);
  RelayCase on(with_pipes(pipes));
  on.connect();
  on.client->send(pattern(kStream));
  on.backend->stall();
  on.client->send(pattern(kStream, kStream));
  on.net.stop();
  on.net.advance(Millis{999});

  on.net.pass(Millis{1});
  on.backend->unstall();

  CHECK(on.backend->take() == pattern(2 * kStream));
}

TEST_CASE("relay: what the kernel has accepted still arrives after silence has closed the pair") {
  testing::NetOptions options;
  options.timeouts.idle = Millis{1'000};
  RelayCase on(options);
  on.connect();
  on.backend->stall();
  on.client->send("not read yet");  // Nothing is pending: the backend's system has it.

  on.net.advance(Millis{1'100});
  on.client->end();
  on.net.run();
  on.backend->unstall();

  CHECK(on.backend->take() == "not read yet");
  CHECK(on.backend->ended());
  CHECK_FALSE(on.backend->was_reset());
}

TEST_CASE("relay: a half-closed pair whose receiver is slow is not cut") {
  testing::NetOptions options;
  options.timeouts.half_closed = Millis{1'000};
  options.timeouts.write_stall = Millis{10'000};
  RelayCase on(options);
  on.connect();
  on.client->end();
  on.backend->send(pattern(kStream));
  on.client->stall();
  on.backend->send(pattern(kStream, kStream));

  on.net.advance(Millis{5'000});
  on.client->unstall();
  on.backend->end();

  CHECK(on.client->take() == pattern(2 * kStream));
  CHECK(on.client->reason()->code == CloseReason::Code::ended);
}

TEST_CASE("relay: the wait for a first byte is for clients, from when the target is connected") {
  testing::NetOptions options;
  options.timeouts.first_byte = Millis{1'000};
  RelayCase on(options);
  on.net.place(RelayCase::kBackend).hang();
  testing::Peer& waiting = on.net.connect(on.service);
  waiting.send("early");
  on.net.advance(Millis{1'500});
  CHECK_FALSE(waiting.gone());

  on.net.place(RelayCase::kBackend).accept();
  on.connect();
  on.client->send("question");
  on.net.advance(Millis{1'500});
  on.backend->send("late answer");
  CHECK(on.client->take() == "late answer");

  testing::Peer& silent = on.net.connect(on.service);
  on.net.advance(Millis{1'100});
  CHECK(silent.gone());
  CHECK(silent.reason()->code == CloseReason::Code::first_byte);
}

TEST_CASE("relay: a server that stops gives a silent pair its second from then on") {
  RelayCase on;
  on.connect();
  on.client->send("question");
  on.net.advance(Millis{10'000});

  on.net.stop();
  on.net.advance(Millis{900});
  on.backend->send("answer");

  CHECK(on.client->take() == "answer");
}
