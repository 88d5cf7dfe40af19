#include <catch2/catch.hpp>

#include <limits>

#include <weir/handler.hpp>

#include "fake_connection.hpp"

using weir::State;

TEST_CASE("state: what was written is read in the same order") {
  State state;
  state.put(std::uint64_t{0});
  state.put(weir::as_bytes({"two\0words", 9}));
  state.put(weir::testing::FakeConnection(77));
  state.put(weir::Bytes());
  state.put(std::numeric_limits<std::uint64_t>::max());

  CHECK(state.take_number() == 0);
  CHECK(weir::as_text(state.take_bytes()) == std::string_view("two\0words", 9));
  CHECK(state.take_connection_id() == 77);
  CHECK(state.take_bytes().empty());
  CHECK(state.take_number() == std::numeric_limits<std::uint64_t>::max());
  CHECK_FALSE(state.failed());
}

TEST_CASE("state: reading past the end gives zeros and empty views") {
  State state;
  state.put(std::uint64_t{1});
  state.take_number();
  CHECK_FALSE(state.failed());

  CHECK(state.take_number() == 0);
  CHECK(state.failed());
  CHECK(state.take_bytes().empty());
  CHECK(state.take_connection_id() == 0);
}

TEST_CASE("state: reading in another order than was written fails for good") {
  State state;
  state.put(std::uint64_t{5});
  state.put(weir::as_bytes("x"));

  CHECK(state.take_bytes().empty());
  CHECK(state.failed());
  CHECK(state.take_number() == 0);
}

TEST_CASE("state: large bytes come back whole") {
  const std::string large(1 << 20, 'x');
  State state;
  state.put(weir::as_bytes(large));

  CHECK(weir::as_text(state.take_bytes()) == large);
}
