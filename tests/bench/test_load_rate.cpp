// The open loop, over the simulated network.
#include <catch2/catch.hpp>
#include <protocols/echo/echo.hpp>

#include "world.hpp"

using namespace weir;
using namespace weir::load;
using namespace weir::load::test;

namespace {

// Answers nothing for 100 ms of each second, and everything after that.
class Stalling final : public Handler {
 public:
  std::size_t on_data(Connection& peer, Bytes data) override {
    const auto now = peer.loop().now().time_since_epoch().count() % 1'000;
    if (now >= 100 && kept_.empty()) {
      peer.write(data);
      return data.size();
    }
    if (kept_.empty()) {
      timer_ = peer.loop().after(Millis{100 - now}, [this, &peer] {
        peer.write(kept_);
        kept_.clear();
      });
    }
    kept_ += as_text(data);
    return data.size();
  }

 private:
  std::string kept_;
  Timer timer_;
};

class Deaf final : public Handler {
 public:
  std::size_t on_data(Connection&, Bytes data) override { return data.size(); }
};

// Ends its first connection after some bytes; the others go on.
class LosesOne final : public Handler {
 public:
  static inline int connections = 0;

  LosesOne() : loses_(connections++ == 0) {}
  std::size_t on_data(Connection& peer, Bytes data) override {
    if (loses_ && (seen_ += data.size()) > 320) peer.abort();
    peer.write(data);
    return data.size();
  }

 private:
  bool loses_;
  std::size_t seen_ = 0;
};

constexpr ServiceType kStalling = handler_type<Stalling>("stalling", "Stalls.");
constexpr ServiceType kDeaf = handler_type<Deaf>("deaf", "Never answers.");
constexpr ServiceType kLosesOne = handler_type<LosesOne>("loses-one", "Resets one.");

Plan rate_of(std::int64_t rate, Millis duration) {
  Plan plan = plan_of(Scenario::rate);
  plan.rate = rate;
  plan.duration = duration;
  plan.depth = 1'000;
  plan.timeout = Millis{500};
  return plan;
}

}  // namespace

TEST_CASE("load rate: as many messages are sent as are due, however few the answers before") {
  World world(rate_of(500, Millis{1'000}));

  world.drive(protocols::kEcho);

  CHECK_THAT(world.result().reason, Catch::Equals(""));
  CHECK(world.meter->messages >= 499);
  CHECK(world.meter->messages <= 501);
  CHECK(world.meter->dropped == 0);
  CHECK(world.meter->lag.count() == world.meter->messages);
}

TEST_CASE("load rate: a stall of the server is charged to all that had to wait") {
  World world(rate_of(1'000, Millis{2'000}));

  world.drive(kStalling);

  CHECK_THAT(world.result().reason, Catch::Equals(""));
  CHECK(world.meter->latency.at(0.99) >= 80'000'000);
  CHECK(world.meter->latency.at(0.5) < 5'000'000);
}

TEST_CASE("load rate: exponential gaps have the same mean") {
  Plan plan = rate_of(2'000, Millis{2'000});
  plan.gaps = "exponential";
  World world(plan);

  world.drive(protocols::kEcho);

  CHECK_THAT(world.result().reason, Catch::Equals(""));
  CHECK(world.meter->messages > 3'800);
  CHECK(world.meter->messages < 4'200);
}

TEST_CASE("load rate: what is not answered in time is counted, with the time it waited") {
  World world(rate_of(100, Millis{100}));

  world.drive(kDeaf);

  CHECK(world.meter->messages == 0);
  CHECK(world.meter->unanswered >= 9);
  CHECK(world.meter->latency.at(0) >= 500'000'000);
  CHECK_THAT(world.result().reason, Catch::Contains("were not answered within 500 ms"));
}

TEST_CASE("load rate: what finds too much under way is dropped and counted, not sent later") {
  Plan plan = rate_of(1'000, Millis{200});
  plan.depth = 2;
  World world(plan);

  world.drive(kDeaf);

  CHECK(world.meter->dropped > 150);
  CHECK(world.meter->unanswered <= 2 * 5);
}

TEST_CASE("load rate: when a connection is lost the others go on, and the loss is told") {
  LosesOne::connections = 0;
  World world(rate_of(1'000, Millis{500}));

  world.drive(kLosesOne);

  CHECK_THAT(world.result().reason, Catch::Contains("was lost"));
  CHECK(world.meter->messages > 300);
  CHECK(world.result().duration == 500'000'000);
}
