#include <catch2/catch.hpp>

#include <cerrno>
#include <set>

#include <weir/close_reason.hpp>

using weir::CloseReason;
using Code = CloseReason::Code;

TEST_CASE("close reason: every code has a name of its own") {
  std::set<std::string_view> names;
  const int count = static_cast<int>(Code::moved) + 1;

  for (int code = 0; code < count; ++code) names.insert(weir::name(static_cast<Code>(code)));

  CHECK(names.size() == static_cast<std::size_t>(count));
  CHECK(names.count("unknown") == 0);
  CHECK(names.count("write_stall") == 1);
}

TEST_CASE("close reason: a code from elsewhere is unknown rather than a crash") {
  CHECK(weir::name(static_cast<Code>(250)) == "unknown");
}

TEST_CASE("close reason: the text says what, who and why") {
  CHECK(CloseReason{}.text() == "ended");
  CHECK(CloseReason{Code::idle}.text() == "idle");
  CHECK(CloseReason{Code::first_byte}.text() == "first byte");
  CHECK(CloseReason{Code::reset, CloseReason::Side::peer, ECONNRESET}.text() ==
        "reset by peer: Connection reset by peer");
}
