// One pair of the relay's closing matrix: brought into a state, ended by one side, looked at from both.
#pragma once

#include "relay_sockets.hpp"

namespace weir::relay_worlds {

enum class Verb { end, close, reset };
// As seen from the side that acts.
enum class PairState { fresh, chatter, sending, receiving, other_ended, ended_before };

inline constexpr std::size_t kPiece = 256 << 10;
inline constexpr std::size_t kChatter = 100;
inline constexpr std::size_t kPipeOnly = 128 << 10;  // More than a relay that copies holds.

inline bool begins(const std::string& text, const End& from) {
  return text.size() <= from.sent() && text == pattern(text.size());
}

// Case by case: two ends of a pair, and what is done to bring it where it is needed.
struct Play {
  World& world;
  End& actor;
  End& other;
  bool splice;
  bool simulated;

  bool has_all(End& to, const End& from) const {
    return world.wait([&] { return to.text().size() == from.sent(); });
  }

  // Streams until it goes through a pipe, where there are pipes; stops in mid-stream.
  void stream(End& from, End& to) const {
    to.stall();
    REQUIRE(world.wait([&] { return from.send(kPiece), to.pending() > 0; }));
    const std::uint64_t before = world.counters().spliced;
    to.unstall();
    if (!splice) return;
    REQUIRE(world.wait([&] { return from.send(kPiece), world.counters().spliced > before; }));
  }

  void stall(End& from, End& to) const {
    stream(from, to);
    to.stall();
    std::size_t pending = 0;
    REQUIRE(world.wait([&] { return from.send(kPiece), (pending = to.pending()) > 0; }));
    if (simulated) CHECK((pending > kPipeOnly) == splice);
  }

  void chat(End& from, End& to) const {
    from.send(kChatter);
    REQUIRE(has_all(to, from));
  }

  void end(End& from, End& to) const {
    from.end();
    REQUIRE(world.wait([&] { return to.ended(); }));
  }

  void reach(PairState state) const {
    if (splice) {
      for (End* const from : {&actor, &other}) {
        End& to = from == &actor ? other : actor;
        stream(*from, to);
        REQUIRE(has_all(to, *from));
      }
    }
    if (state == PairState::chatter) {
      for (int i = 0; i < 3; ++i) {
        chat(actor, other);
        chat(other, actor);
      }
    }
    if (state == PairState::sending) stall(actor, other);
    if (state == PairState::receiving) stall(other, actor);
    if (state == PairState::other_ended) end(other, actor);
    if (state == PairState::ended_before) end(actor, other);
  }

  void act(Verb verb) const {
    if (verb == Verb::end) actor.end();
    if (verb == Verb::close) actor.close();
    if (verb == Verb::reset) actor.reset();
  }

  // Every byte, then a FIN; the way back stays open as long as its sender wants.
  void expect_end(Verb verb, PairState state) const {
    other.unstall();
    CHECK(world.wait([&] { return other.over(); }));
    CHECK(other.ended());
    CHECK(other.text().size() == actor.sent());
    CHECK(begins(other.text(), actor));
    if (state != PairState::other_ended) {
      CHECK_FALSE(actor.ended());
      if (verb == Verb::end) other.send(kChatter);
      other.end();
    }
    if (verb == Verb::end) {
      actor.unstall();
      CHECK(world.wait([&] { return actor.over(); }));
      CHECK(actor.ended());
      CHECK(actor.text().size() == other.sent());
      CHECK(begins(actor.text(), other));
    }
  }

  // What was broken off is never taken for the end; on Unix sockets there is nothing else to tell it.
  void expect_reset(bool unix_sockets, PairState state) const {
    other.unstall();
    const bool ended_before = state == PairState::ended_before;
    const auto told = [&] { return other.was_reset() || (unix_sockets && other.ended()); };
    CHECK(world.wait(told));
    CHECK(begins(other.text(), actor));
    if (!unix_sockets && !ended_before) CHECK_FALSE(other.ended());
    other.close();
  }

  // Both connections are gone, each with one on_close, and for the right reason.
  void expect_gone(const Pair& pair, CloseReason::Code code, std::size_t pairs = 1) const {
    CHECK(world.wait([&] { return world.counters().connections == 0; }));
    CHECK(world.counters().closed == 2 * pairs);
    for (End* const end : {&actor, &other}) {
      const std::optional<CloseReason> reason = end->reason();
      if (simulated) CHECK(reason.has_value());
      if (reason) CHECK(name(reason->code) == name(code));
    }
    CHECK(pair.watch->closes == 1);
  }
};

inline bool is_simulated(Kind kind) {
  return kind == Kind::simulated || kind == Kind::simulated_unix;
}

inline Play play_of(World& world, const Pair& pair, bool client_acts, Kind kind,
                    std::size_t pipes) {
  End& actor = client_acts ? *pair.client : *pair.backend;
  End& other = client_acts ? *pair.backend : *pair.client;
  return {world, actor, other, pipes > 0, is_simulated(kind)};
}

}  // namespace weir::relay_worlds
