// A net, a machine and one run in it, on a clock moved by hand.
#pragma once

#include <catch2/catch.hpp>

#include <bench/load/far_side.hpp>
#include <weir/testing.hpp>

namespace weir::load::test {

inline constexpr const char* kTarget = "tcp://127.0.0.1:7007";

// Beats with the loop's own timers.
class HandPacer final : public Pacer {
 public:
  HandPacer(Loop& loop, std::function<void()> task) : loop_(loop), task_(std::move(task)) {
    beat();
  }

 private:
  void beat() {
    timer_ = loop_.after(Millis{1}, [this] {
      task_();
      beat();
    });
  }

  Loop& loop_;
  std::function<void()> task_;
  Timer timer_;
};

// Takes its time from the net.
class HandMachine final : public Machine {
 public:
  explicit HandMachine(Loop& loop) : loop_(loop) {}

  Nanos now() override {
    return static_cast<Nanos>(loop_.now().time_since_epoch().count()) * 1'000'000;
  }
  Nanos own_cpu() override { return now() / 4; }
  Nanos own_wait() override { return now() / 8; }
  std::unique_ptr<Pacer> pace(Loop& loop, Nanos, std::function<void()> task) override {
    return std::make_unique<HandPacer>(loop, std::move(task));
  }

 private:
  Loop& loop_;
};

inline Plan plan_of(Scenario scenario) {
  Plan plan;
  plan.scenario = scenario;
  plan.target = Url::parse(kTarget);
  plan.connections = 5;
  plan.duration = Millis{200};
  plan.warmup = Millis{20};
  plan.bytes = 300'000;
  plan.chatter = 3;
  return plan;
}

struct World {
  explicit World(Plan what, testing::NetOptions options = {})
      : plan(std::move(what)), net(options), machine(net.loop()) {
    run = make_run({net.loop(), machine, *meter, gate}, plan, [this] { ++done; });
  }

  // A closed loop is never quiet: time has to pass from turn to turn.
  void drive() {
    run->start();
    for (int turn = 0; turn < 20'000 && !run->finished(); ++turn) {
      net.turn();
      net.pass(Millis{1});
    }
    REQUIRE(run->finished());
    CHECK(done == 1);
  }
  void drive(const ServiceType& type) {
    net.listen(net.open(type), kTarget);
    drive();
  }
  void drive_with_far_side() {
    FarSide far_side(*run);
    net.connect(far_side).close();  // Hosts the service; without a run, as a source never ends.
    net.listen(far_side, kTarget);
    drive();
    net.stop(Millis{1});
    net.advance(Millis{10});
  }
  const Result& result() const { return run->result(); }

  Plan plan;
  testing::Net net;
  HandMachine machine;
  OpenGate gate;
  std::unique_ptr<Meter> meter = std::make_unique<Meter>();
  std::unique_ptr<Run> run;
  int done = 0;
};

}  // namespace weir::load::test
