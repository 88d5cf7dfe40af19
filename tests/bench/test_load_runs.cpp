// The scenarios over the simulated network, on a clock moved by hand.
#include <catch2/catch.hpp>
#include <protocols/discard/discard.hpp>
#include <protocols/echo/echo.hpp>
#include <weir/testing.hpp>
#include <weir/testing_tls.hpp>

#include <bench/load/far_side.hpp>

#include "world.hpp"

using namespace weir;
using namespace weir::load;
using namespace weir::load::test;

namespace {

template <int kAt, int kChange>
class WrongEcho final : public Handler {
 public:
  std::size_t on_data(Connection& peer, Bytes data) override {
    std::string text(as_text(data));
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (++seen_ == kAt) text[i] = static_cast<char>(text[i] ^ kChange);
    }
    peer.write(text);
    return data.size();
  }

 private:
  int seen_ = 0;
};

class TwiceEcho final : public Handler {
 public:
  std::size_t on_data(Connection& peer, Bytes data) override {
    peer.write(data);
    peer.write(data);
    return data.size();
  }
};

// Ends, resets or falls silent after some bytes.
class FailingEcho final : public Handler {
 public:
  static inline std::function<void(Connection&)> fail;

  std::size_t on_data(Connection& peer, Bytes data) override {
    seen_ += data.size();
    if (seen_ > 640) {
      fail(peer);
    } else {
      peer.write(data);
    }
    return data.size();
  }

 private:
  std::size_t seen_ = 0;
};

// Notes the most it was ever sent before it answered.
class SlowEcho final : public Handler {
 public:
  static inline std::size_t most = 0;

  std::size_t on_data(Connection& peer, Bytes data) override {
    most = std::max(most, data.size());
    if (!waiting_) {
      waiting_ = true;
      timer_ = peer.loop().after(Millis{5}, [this, &peer] {
        waiting_ = false;
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
  bool waiting_ = false;
};

class Lines final : public Handler {
 public:
  std::size_t on_data(Connection& peer, Bytes data) override {
    for (std::size_t i = 0; i < data.size(); ++i) peer.write("an answer\n");
    return data.size();
  }
};

class Away final : public Handler {
 public:
  void on_open(Connection& peer) override { peer.close(); }
};

constexpr ServiceType kAway = handler_type<Away>("away", "Ends at once.");
constexpr ServiceType kRight = protocols::kEcho;
constexpr ServiceType kChanges = handler_type<WrongEcho<200, 1>>("changes", "Changes a byte.");
constexpr ServiceType kTwice = handler_type<TwiceEcho>("twice", "Answers twice.");
constexpr ServiceType kFails = handler_type<FailingEcho>("fails", "Fails after a while.");
constexpr ServiceType kSlow = handler_type<SlowEcho>("slow", "Answers after 5 ms.");
constexpr ServiceType kLines = handler_type<Lines>("lines", "Answers each byte with a line.");

}  // namespace

TEST_CASE("load echo: counts what is answered in the window, and no more") {
  World world(plan_of(Scenario::echo));

  world.drive(kRight);

  const Result& result = world.result();
  CHECK_THAT(result.reason, Catch::Equals(""));
  CHECK(result.connections == 5);
  CHECK(result.duration == 200'000'000);
  CHECK(world.meter->messages >= std::uint64_t{5} * 90);
  CHECK(world.meter->messages <= std::uint64_t{5} * 210);
  CHECK(world.meter->bytes == world.meter->messages * 64);
  CHECK(world.meter->latency.count() == world.meter->messages);
}

TEST_CASE("load echo: holds whatever the network does to the bytes") {
  const std::uint64_t seed = GENERATE(range(1u, 6u));
  Plan plan = plan_of(Scenario::echo);
  plan.size = 3'000;
  plan.depth = 7;
  World world(
      plan,
      {.seed = seed,
       .faults = {
           .short_receive = 300, .short_send = 300, .again = 100, .spurious = 100, .late = 100}});

  world.drive(kRight);

  CHECK_THAT(world.result().reason, Catch::Equals(""));
  CHECK(world.meter->messages > 100);
}

TEST_CASE("load echo: as many messages as the depth are under way, not one more") {
  SlowEcho::most = 0;
  Plan plan = plan_of(Scenario::echo);
  plan.depth = 4;
  World world(plan);

  world.drive(kSlow);

  CHECK_THAT(world.result().reason, Catch::Equals(""));
  CHECK(SlowEcho::most == std::size_t{4} * 64);
  CHECK(world.meter->latency.at(0.5) >= 5'000'000);
}

TEST_CASE("load: one changed byte makes the figures invalid and says where") {
  World world(plan_of(Scenario::echo));

  world.drive(kChanges);

  CHECK(world.meter->errors == 5);
  CHECK_THAT(world.result().reason, Catch::Contains("they are not what was sent"));
}

TEST_CASE("load: more than was sent makes the figures invalid") {
  World world(plan_of(Scenario::echo));

  world.drive(kTwice);

  CHECK_THAT(world.result().reason, Catch::Contains("more came than was sent"));
}

TEST_CASE("load: a server that ends or resets connections in mid-run is told") {
  const bool resets = GENERATE(false, true);
  FailingEcho::fail = [resets](Connection& peer) { resets ? peer.abort() : peer.end(); };
  World world(plan_of(Scenario::echo));

  world.drive(kFails);

  CHECK(world.meter->errors == 5);
  CHECK_THAT(world.result().reason,
             Catch::Contains(resets ? "was lost: reset by peer" : "was ended by the server"));
}

TEST_CASE("load: a server that falls silent in mid-run is told, and the wait counts") {
  FailingEcho::fail = [](Connection&) {};
  Plan plan = plan_of(Scenario::echo);
  plan.warmup = Millis{1};
  plan.duration = Millis{2'000};
  World world(plan);

  world.drive(kFails);

  CHECK(world.meter->messages > 0);
  CHECK(world.meter->unanswered == 5);
  CHECK(world.meter->latency.max() > 1'000'000'000);
  CHECK_THAT(world.result().reason, Catch::Contains("5 connections had not been answered for"));
}

TEST_CASE("load: who is let in and never answered ends a storm, and idle, with the reason") {
  const Scenario scenario = GENERATE(Scenario::storm, Scenario::idle);
  Plan plan = plan_of(scenario);
  plan.timeout = Millis{300};
  World world(plan);

  world.drive(protocols::kDiscard);

  CHECK_THAT(world.result().reason, Catch::Contains("answered") && Catch::Contains("300 ms"));
}

TEST_CASE("load: each lost connection of a storm is one error") {
  World world(plan_of(Scenario::storm));

  world.drive(kAway);

  CHECK(world.meter->errors == 5);
}

TEST_CASE("load echo: messages larger than a connection takes at once are sent as it takes them") {
  Plan plan = plan_of(Scenario::echo);
  plan.connections = 2;
  plan.size = 300'000;
  plan.depth = 4;
  plan.duration = Millis{1'000};
  World world(plan);

  world.drive(kRight);

  CHECK_THAT(world.result().reason, Catch::Equals(""));
  CHECK(world.meter->messages > 4);
}

TEST_CASE("load fanout: a member who is lost ends the run") {
  FailingEcho::fail = [](Connection& peer) { peer.abort(); };
  Plan plan = plan_of(Scenario::fanout);
  World world(plan);

  world.drive(kFails);

  CHECK_FALSE(world.result().reason.empty());
}

TEST_CASE("load: a server that falls silent has no valid figures") {
  FailingEcho::fail = [](Connection&) {};
  Plan plan = plan_of(Scenario::echo);
  plan.warmup = Millis{100};
  World world(plan);

  world.drive(kFails);

  CHECK(world.result().reason == "nothing was answered while it was measured");
}

TEST_CASE("load: without anybody there the reason is the first dial's") {
  const Scenario scenario =
      GENERATE(Scenario::echo, Scenario::idle, Scenario::storm, Scenario::churn, Scenario::silent);
  World world(plan_of(scenario));
  world.net.place(kTarget).refuse();

  world.drive();

  REQUIRE(world.run->unreachable());
  CHECK(world.run->unreachable()->code == CloseReason::Code::connect_refused);
}

TEST_CASE("load: connections that could not all be made make the figures invalid") {
  World world(plan_of(Scenario::echo));
  world.plan.connections = 10'000;
  testing::Place& place = world.net.place(kTarget);
  world.run->start();
  world.net.turn();
  world.net.turn();
  place.refuse();

  for (int turn = 0; turn < 1'000 && !world.run->finished(); ++turn) world.net.turn();

  CHECK_FALSE(world.run->unreachable());
  CHECK_THAT(world.result().reason, Catch::Contains("of 10000 connections were made"));
}

TEST_CASE("load storm: every connection asks once, and the wait for the answer counts") {
  World world(plan_of(Scenario::storm));
  world.plan.connections = 300;

  world.drive(kSlow);

  CHECK_THAT(world.result().reason, Catch::Equals(""));
  CHECK(world.meter->messages == 300);
  CHECK(world.meter->latency.at(0) >= 5'000'000);
}

TEST_CASE("load churn: a life is a connection, an echo and an end in order") {
  const bool reset = GENERATE(false, true);
  Plan plan = plan_of(Scenario::churn);
  plan.reset = reset;
  World world(plan);

  world.drive(kRight);

  CHECK_THAT(world.result().reason, Catch::Equals(""));
  CHECK(world.meter->messages > 100);
  CHECK(world.net.counters().accepted >= world.meter->messages);
}

TEST_CASE("load churn: a life that ends without an answer is an error") {
  World world(plan_of(Scenario::churn));

  world.drive(protocols::kDiscard);

  CHECK(world.meter->messages == 0);
  CHECK_FALSE(world.result().reason.empty());
}

TEST_CASE("load idle: every connection asks once, some of them at a time") {
  World world(plan_of(Scenario::idle));
  world.plan.connections = 200;

  world.drive(kSlow);

  CHECK_THAT(world.result().reason, Catch::Equals(""));
  CHECK(world.meter->messages == 200);
  CHECK(world.result().duration >= 4 * 5'000'000);
}

TEST_CASE("load idle: the active ones ask on and on, and only they count") {
  World world(plan_of(Scenario::idle));
  world.plan.connections = 200;
  world.plan.active = 3;

  world.drive(kSlow);

  CHECK_THAT(world.result().reason, Catch::Equals(""));
  CHECK(world.meter->messages > 3 * 20);
  CHECK(world.meter->messages < 3 * 41);
}

TEST_CASE("load send: bytes count where a plain server has taken them") {
  World world(plan_of(Scenario::bulk));

  world.drive(protocols::kDiscard);

  CHECK_THAT(world.result().reason, Catch::Equals(""));
  CHECK(world.meter->bytes > 1'000'000);
}

TEST_CASE("load: the far side sinks, sends, echoes and mixes what the scenario needs") {
  const Scenario scenario =
      GENERATE(Scenario::echo, Scenario::idle, Scenario::storm, Scenario::churn, Scenario::rate,
               Scenario::bulk, Scenario::mix);
  Plan plan = plan_of(scenario);
  plan.rate = 1'000;
  plan.depth = scenario == Scenario::rate ? 100 : 1;
  plan.backend = Url::parse(kTarget);
  World world(plan, {.faults = {.short_receive = 200, .short_send = 200}, .automatic = false});

  world.drive_with_far_side();

  CHECK_THAT(world.result().reason, Catch::Equals(""));
  CHECK(world.meter->bytes > 0);
}

TEST_CASE("load bulk: streams come down from the far side, and are checked") {
  Plan plan = plan_of(Scenario::bulk);
  plan.way = "down";
  plan.backend = Url::parse(kTarget);
  World world(plan, {.faults = {.short_receive = 200, .short_send = 200}, .automatic = false});

  world.drive_with_far_side();

  CHECK_THAT(world.result().reason, Catch::Equals(""));
  CHECK(world.meter->bytes > 1'000'000);
}

TEST_CASE("load mix: a stream follows each bout of chatter, and both count") {
  Plan plan = plan_of(Scenario::mix);
  plan.connections = 1;
  plan.duration = Millis{2'000};
  World world(plan);

  world.drive_with_far_side();

  const Result& result = world.result();
  const std::uint64_t streamed = world.meter->bytes - world.meter->messages * plan.size;
  CHECK_THAT(result.reason, Catch::Equals(""));
  CHECK(streamed % plan.bytes == 0);
  CHECK(streamed / plan.bytes >= world.meter->messages / 3 - 1);
  CHECK(streamed / plan.bytes <= world.meter->messages / 3 + 1);
}

TEST_CASE("load ask: replies are told apart, however they come") {
  const unsigned cut = GENERATE(0u, 700u);
  Plan plan = plan_of(Scenario::ask);
  plan.send = std::string("?");
  plan.reply.line = true;
  plan.depth = 3;
  World world(plan, {.faults = {.short_receive = cut}});

  world.drive(kLines);

  CHECK_THAT(world.result().reason, Catch::Equals(""));
  CHECK(world.meter->messages > 100);
}

TEST_CASE("load ask: more replies than requests are an error") {
  Plan plan = plan_of(Scenario::ask);
  plan.send = std::string("??");
  plan.reply.line = true;
  World world(plan);

  world.drive(kLines);

  CHECK_THAT(world.result().reason, Catch::Contains("more replies than requests"));
}

TEST_CASE("load: nothing is sent before all connections are made") {
  const Scenario scenario = GENERATE(Scenario::echo, Scenario::bulk, Scenario::ask);
  Plan plan = plan_of(scenario);
  plan.connections = 200;
  plan.send = std::string("?");
  plan.reply.line = true;
  World world(plan, {.automatic = false});
  testing::Place& place = world.net.place(kTarget);
  world.run->start();
  world.net.turn();
  world.net.turn();
  place.hang();
  world.net.run();

  std::uint64_t arrived = 0;
  unsigned made = 0;
  for (testing::Peer* peer = place.next(); peer != nullptr; peer = place.next(), ++made) {
    arrived += peer->arrived();
  }

  CHECK(made > 0);
  CHECK(arrived == 0);
}

TEST_CASE("load: a server that ends connections while others are made ends the run") {
  Plan plan = plan_of(Scenario::echo);
  plan.connections = 10'000;
  World world(plan);

  world.drive(kAway);

  CHECK_THAT(world.result().reason, Catch::Contains("was ended by the server"));
  CHECK(world.result().connections < 10'000);
}

TEST_CASE("load handshake: each life begins with the handshake that was asked for", "[plain]") {
  const bool resumed = GENERATE(false, true);
  const testing::TlsFiles& files = testing::tls_files();
  Plan plan = plan_of(Scenario::handshake);
  plan.resumed = resumed;
  const std::string target = "tls://127.0.0.1:7007";
  plan.target =
      Url::parse(target + "?name=localhost&ca=" + files.ca + (resumed ? "" : "&tickets=off"));
  World world(plan);
  Service& echo = world.net.open(kRight);
  world.net.listen(echo, target + "?cert=" + files.certificate + "&key=" + files.key);

  world.drive();

  CHECK_THAT(world.result().reason, Catch::Equals(""));
  CHECK(world.meter->messages > 20);
}
