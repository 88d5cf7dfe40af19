// Clients that misbehave, and good ones beside them, over the simulated network.
#include <catch2/catch.hpp>
#include <protocols/echo/echo.hpp>

#include <bench/load/abuser.hpp>

#include "world.hpp"

using namespace weir;
using namespace weir::load;
using namespace weir::load::test;

namespace {

Plan abuse(Scenario scenario, Millis duration = Millis{1'000}) {
  Plan plan = plan_of(scenario);
  plan.active = 2;
  plan.duration = duration;
  plan.timeout = Millis{300};
  return plan;
}

// What reached the server, on all connections together.
class Listening final : public Handler {
 public:
  static inline std::size_t bytes = 0;
  static inline std::size_t most = 0;  // On one connection.

  std::size_t on_data(Connection& peer, Bytes data) override {
    bytes += data.size();
    most = std::max(most, own_ += data.size());
    peer.write(data);
    return data.size();
  }

 private:
  std::size_t own_ = 0;
};

// Serves one connection at a time; the others are not answered.
class OneAtATime final : public Handler {
 public:
  static inline int served = 0;

  void on_open(Connection&) override { first_ = served++ == 0; }
  std::size_t on_data(Connection& peer, Bytes data) override {
    if (first_) peer.write(data);
    return data.size();
  }

 private:
  bool first_ = false;
};

class ThrowsOut final : public Handler {
 public:
  std::size_t on_data(Connection& peer, Bytes data) override {
    peer.write(data);
    return data.size();
  }
  void on_open(Connection& peer) override {
    timer_ = peer.loop().after(Millis{50}, [&peer] { peer.close(); });
  }

 private:
  Timer timer_;
};

constexpr ServiceType kListening = handler_type<Listening>("listening", "Counts.");
constexpr ServiceType kOne = handler_type<OneAtATime>("one", "Serves the first.");
constexpr ServiceType kThrowsOut = handler_type<ThrowsOut>("throws-out", "Closes after 50 ms.");

}  // namespace

TEST_CASE("load abuse: good clients are served beside every kind of it") {
  const Scenario scenario = GENERATE(Scenario::slow_reader, Scenario::drip, Scenario::reset_storm,
                                     Scenario::long_line, Scenario::silent);
  World world(abuse(scenario));

  world.drive(protocols::kEcho);

  CHECK_THAT(world.result().reason, Catch::Equals(""));
  CHECK(world.meter->messages > 40);
  CHECK(world.meter->latency.count() == world.meter->messages);
}

TEST_CASE("load abuse: one who drips sends a byte a second") {
  Listening::bytes = Listening::most = 0;
  Plan plan = abuse(Scenario::drip, Millis{3'500});
  plan.active = 0;
  World world(plan);

  world.drive(kListening);

  CHECK(Listening::most == 4);
  CHECK(Listening::bytes == 5 * 4);
}

TEST_CASE("load abuse: a long line has no end, and no newline") {
  Listening::most = 0;
  World world(abuse(Scenario::long_line));

  world.drive(kListening);

  CHECK(Listening::most > 1'000'000);
}

TEST_CASE("load abuse: one who is silent sends nothing and stays") {
  Listening::bytes = 0;
  Plan plan = abuse(Scenario::silent);
  plan.active = 0;
  World world(plan);

  world.drive(kListening);

  CHECK(Listening::bytes == 0);
  CHECK(world.meter->abusers == 5);
  CHECK(world.meter->thrown_out == 0);
}

TEST_CASE("load abuse: who is thrown out comes again, and is counted") {
  World world(abuse(Scenario::silent));

  world.drive(kThrowsOut);

  CHECK(world.meter->thrown_out > 5 * 4);
  CHECK(world.meter->abusers <= 5);
}

TEST_CASE("load abuse: a good client that is not served is an error, with the time it waited") {
  OneAtATime::served = 0;
  World world(abuse(Scenario::silent));

  world.drive(kOne);

  CHECK(world.meter->messages == 0);
  CHECK(world.meter->errors > 0);
  CHECK_THAT(world.result().reason, Catch::Contains("a good client was not served"));
  CHECK(world.meter->latency.at(0) >= 300'000'000);
}

TEST_CASE("load abuse: half of a ClientHello is a TLS record that promises more") {
  const Bytes hello = half_client_hello();
  const auto byte = [&hello](std::size_t at) { return std::to_integer<unsigned>(hello[at]); };

  CHECK(byte(0) == 22);  // Handshake.
  CHECK((byte(3) << 8 | byte(4)) + 5 > hello.size());
  CHECK(byte(5) == 1);  // ClientHello.
}
