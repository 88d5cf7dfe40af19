// The closing matrix of a relay: whichever side ends the pair, in whatever way and in whatever state of
// it, in copy and in splice, in every world.
#include "relay_play.hpp"

using namespace weir;
using namespace weir::relay_worlds;

namespace {

constexpr Verb kVerbs[] = {Verb::end, Verb::close, Verb::reset};
constexpr const char* kVerbNames[] = {"ends", "closes", "resets"};
constexpr PairState kStates[] = {PairState::fresh,       PairState::chatter,
                                 PairState::sending,     PairState::receiving,
                                 PairState::other_ended, PairState::ended_before};
constexpr const char* kStateNames[] = {
    "just connected",    "after chatter",         "sending to a stalled receiver",
    "stalled receiving", "after the other's FIN", "after its own FIN"};

// Pipes: none is copy, as TLS always is. The portable build cannot splice real sockets.
std::vector<std::size_t> modes([[maybe_unused]] Kind kind) {
  if (!can_splice()) return {0};
#ifdef WEIR_PORTABLE
  if (kind == Kind::tcp || kind == Kind::unix_stream) return {0};
#endif
  return {0, 32};
}

void play(Kind kind, std::size_t pipes, bool client_acts, Verb verb, PairState state) {
  const std::unique_ptr<World> world = make(kind, pipes);
  const Pair pair = world->connect();
  REQUIRE(pair.backend != nullptr);
  const Play on = play_of(*world, pair, client_acts, kind, pipes);
  on.reach(state);
  CHECK((world->counters().spliced > 0) == (pipes > 0));

  on.act(verb);

  // Who closes with input it has not read resets, on Unix sockets too.
  const bool unread = verb != Verb::end && state == PairState::receiving;
  const bool broken = unread || (verb == Verb::reset && !is_unix(kind));
  if (broken) {
    on.expect_reset(is_unix(kind), state);
  } else {
    on.expect_end(verb, state);
  }
  on.expect_gone(pair, broken ? CloseReason::Code::reset : CloseReason::Code::ended);
  CHECK(world->over());
}

void play_all(Kind kind) {
  int played = 0;
  for (const std::size_t pipes : modes(kind)) {
    for (const bool client : {true, false}) {
      for (const PairState state : kStates) {
        for (const Verb verb : kVerbs) {
          if (state == PairState::ended_before && verb == Verb::end) continue;  // It has done that.
          INFO(name(kind) << (pipes > 0 ? ", splice: " : ", copy: ")
                          << (client ? "the client " : "the backend ")
                          << kVerbNames[static_cast<int>(verb)] << " "
                          << kStateNames[static_cast<int>(state)]);
          play(kind, pipes, client, verb, state);
          ++played;
        }
      }
    }
  }
  CHECK(played == 34 * static_cast<int>(modes(kind).size()));
}

// Pairs in every state in one server. Bytes that are pending still arrive; then silence closes all.
void stop_all(Kind kind, std::size_t pipes) {
  INFO(name(kind) << (pipes > 0 ? ", splice" : ", copy"));
  const std::unique_ptr<World> world = make(kind, pipes);
  std::vector<Pair> pairs;
  std::vector<Play> plays;
  for (const PairState state : kStates) {
    for (const bool client : {true, false}) {
      pairs.push_back(world->connect());
      REQUIRE(pairs.back().backend != nullptr);
      plays.push_back(play_of(*world, pairs.back(), client, kind, pipes));
      plays.back().reach(state);
    }
  }

  world->stop();
  for (const Play& on : plays) {
    on.actor.unstall();
    on.other.unstall();
  }

  // Both sides answer the ends they read as soon as there are two: the relay waits for that for five
  // seconds, and the bytes of all these pairs may take longer.
  std::vector<const Play*> open;
  for (const Play& on : plays) open.push_back(&on);
  CHECK(world->wait([&] {
    std::erase_if(open, [](const Play* on) {
      const bool over = on->actor.over() && on->other.over();
      if (over) on->actor.end();
      if (over) on->other.end();
      return over;
    });
    return open.empty();
  }));
  for (const Play& on : plays) {
    CHECK(on.actor.ended());
    CHECK(on.other.ended());
    CHECK((on.other.text() == pattern(on.actor.sent())));  // Megabytes, not to be printed.
    CHECK((on.actor.text() == pattern(on.other.sent())));  // Megabytes, not to be printed.
  }
  for (std::size_t i = 0; i < plays.size(); ++i) {
    INFO("a pair that was " << kStateNames[i / 2]);
    plays[i].expect_gone(pairs[i], CloseReason::Code::stopping, plays.size());
  }
  CHECK(world->over());
}

enum class Do { wait, end, close, reset, stop };

// A client whose target cannot be reached, or not yet.
void miss(Kind kind, Target target, Do what) {
  using Code = CloseReason::Code;
  INFO(name(kind) << (target == Target::refuses ? ": refused" : ": hung") << ", the client does "
                  << static_cast<int>(what));
  const std::unique_ptr<World> world = make(kind, 32, target);
  const Pair pair = world->connect();
  End& client = *pair.client;
  const bool resets = what == Do::reset && !is_unix(kind);
  const bool silent = what == Do::close || what == Do::reset;
  const bool at_once = target == Target::refuses;

  client.send(kChatter);
  if (what == Do::end) client.end();
  if (what == Do::close) client.close();
  if (what == Do::reset) client.reset();
  if (what == Do::stop) world->stop();

  Code code = at_once ? Code::connect_refused : Code::connect_timeout;
  if (!at_once && resets) code = Code::reset;
  if (!at_once && what == Do::stop) code = Code::stopping;
  if (!silent) {
    CHECK(world->wait([&] { return client.over(); }));
    if (code == Code::stopping) CHECK(client.ended());
    if (code != Code::stopping && !is_unix(kind)) CHECK(client.was_reset());
    CHECK(client.text().empty());
    client.close();
  }
  // The watch is read after its last change only: the connection is gone before it is told.
  CHECK(world->wait([&] {
    return board->signal.look([&] { return pair.watch->closes > 0; }) &&
           world->counters().connections == 0;
  }));
  CHECK(world->counters().closed == 2);
  CHECK(pair.watch->closes == 1);
  if (!at_once || !silent) CHECK(name(pair.watch->reason.code) == name(code));
  CHECK(world->over());
}

void miss_all(Kind kind) {
  for (const Do what : {Do::wait, Do::end, Do::close, Do::reset, Do::stop}) {
    miss(kind, Target::hangs, what);
    if (what != Do::stop) miss(kind, Target::refuses, what);
  }
}

void stop_each(Kind kind) {
  for (const std::size_t pipes : modes(kind)) stop_all(kind, pipes);
}

}  // namespace

TEST_CASE(
    "relay matrix: every end crosses as what it is, and each connection is closed once: simulated "
    "tcp") {
  play_all(Kind::simulated);
}

TEST_CASE(
    "relay matrix: every end crosses as what it is, and each connection is closed once: simulated "
    "unix") {
  play_all(Kind::simulated_unix);
}

TEST_CASE("relay matrix: every end crosses as what it is, and each connection is closed once: tcp",
          "[loops]") {
  play_all(Kind::tcp);
}

TEST_CASE("relay matrix: every end crosses as what it is, and each connection is closed once: unix",
          "[loops]") {
  play_all(Kind::unix_stream);
}

TEST_CASE(
    "relay matrix: a server that stops ends pairs in order, whatever their state: simulated tcp") {
  stop_each(Kind::simulated);
}

TEST_CASE(
    "relay matrix: a server that stops ends pairs in order, whatever their state: simulated unix") {
  stop_each(Kind::simulated_unix);
}

TEST_CASE("relay matrix: a server that stops ends pairs in order, whatever their state: tcp",
          "[loops]") {
  stop_each(Kind::tcp);
}

TEST_CASE("relay matrix: a server that stops ends pairs in order, whatever their state: unix",
          "[loops]") {
  stop_each(Kind::unix_stream);
}

TEST_CASE(
    "relay matrix: a client whose target cannot be reached is told so, whatever it does: simulated "
    "tcp") {
  miss_all(Kind::simulated);
}

TEST_CASE(
    "relay matrix: a client whose target cannot be reached is told so, whatever it does: simulated "
    "unix") {
  miss_all(Kind::simulated_unix);
}

TEST_CASE("relay matrix: a client whose target cannot be reached is told so, whatever it does: tcp",
          "[loops]") {
  miss_all(Kind::tcp);
}

TEST_CASE(
    "relay matrix: a client whose target cannot be reached is told so, whatever it does: unix",
    "[loops]") {
  miss_all(Kind::unix_stream);
}
