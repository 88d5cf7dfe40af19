#include <catch2/catch.hpp>
#include <protocols/daytime/daytime.hpp>
#include <protocols/time/time.hpp>
#include <weir/testing.hpp>

using namespace weir;
using namespace weir::protocols;

namespace {

WallTime since_1970(std::int64_t seconds) { return WallTime(std::chrono::seconds(seconds)); }

std::string answer_at(const ServiceType& type, WallTime when) {
  testing::Net net;
  net.set_wall(when);
  auto& peer = net.connect(type);
  peer.end();
  REQUIRE(peer.ended());
  REQUIRE(peer.reason()->code == CloseReason::Code::ended);
  return peer.take();
}

std::string four(std::uint32_t number) {
  std::string bytes;
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(number >> shift & 0xff);
  return bytes;
}

}  // namespace

TEST_CASE("time: four bytes tell the seconds since 1900, big endian") {
  CHECK(answer_at(kTime, since_1970(0)) == four(2'208'988'800));
  CHECK(answer_at(kTime, since_1970(1'000'000'000)) == four(3'208'988'800));
}

TEST_CASE("time: a part of a second does not count") {
  CHECK(answer_at(kTime, since_1970(1) - std::chrono::nanoseconds(1)) == four(2'208'988'800));
}

TEST_CASE("time: it runs on from 0 when four bytes overflow in 2036") {
  CHECK(answer_at(kTime, since_1970(2'085'978'495)) == four(0xffff'ffff));
  CHECK(answer_at(kTime, since_1970(2'085'978'496)) == four(0));
  CHECK(answer_at(kTime, since_1970(2'085'978'497)) == four(1));
}

TEST_CASE("time: it is right on both sides of the end of signed 32 bits in 2038") {
  CHECK(answer_at(kTime, since_1970(2'147'483'647)) == four(61'505'151));
  CHECK(answer_at(kTime, since_1970(2'147'483'648)) == four(61'505'152));
}

TEST_CASE("time and daytime: what the peer sends is dropped, before and after the answer") {
  const std::size_t chunk = GENERATE(1u, 2u, 7u, 4096u);
  for (const ServiceType& type : {kTime, kDaytime}) {
    const WallTime when = since_1970(383'247'463);
    testing::Net net({.automatic = false});
    net.set_wall(when);
    auto& peer = net.connect(type);
    peer.send("what is the time?", chunk);
    net.run();
    peer.send("really?", chunk);
    peer.end();
    net.run();

    CHECK(peer.take() == answer_at(type, when));
    CHECK(peer.ended());
    CHECK_FALSE(peer.was_reset());
  }
}

TEST_CASE("daytime: one line, in the form the RFC suggests") {
  CHECK(answer_at(kDaytime, since_1970(383'247'463)) ==
        "Monday, February 22, 1982 17:37:43-UTC\r\n");
}

TEST_CASE("daytime: leap days, year ends and times before 1970") {
  CHECK(daytime_text(since_1970(0)) == "Thursday, January 1, 1970 00:00:00-UTC");
  CHECK(daytime_text(since_1970(-1)) == "Wednesday, December 31, 1969 23:59:59-UTC");
  CHECK(daytime_text(since_1970(951'827'696)) == "Tuesday, February 29, 2000 12:34:56-UTC");
  CHECK(daytime_text(since_1970(4'102'444'799)) == "Thursday, December 31, 2099 23:59:59-UTC");
}
