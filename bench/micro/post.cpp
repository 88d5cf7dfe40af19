// Loop::post on the driver of the product: from the loop's own thread, and from another one.
//
// Posting and running are in the library, behind a virtual call; each task adds to a number that is
// read at the end. The loop and its thread are made before the clock starts and end after it stops.
// With two threads, what is told is the CPU time of both; the column Time is what passes meanwhile.
#include <atomic>
#include <memory>
#include <thread>

#include "../../core/src/loop_core.hpp"
#include "../../core/src/uv_driver.hpp"
#include "each.hpp"

namespace weir::micro {
namespace {

constexpr std::size_t kBatch = 1'000;  // Fewer than a loop runs in one turn.

struct RealLoop {
  RealLoop() : core(driver, {}) {}
  ~RealLoop() { driver.finish(); }

  Loop& loop() { return core.root(); }

  UvDriver driver;
  LoopCore core;
};

// The same with a thread that runs it.
class Threaded {
 public:
  Threaded() : thread_([this] { real_.driver.run(); }) {}
  ~Threaded() {
    loop().post([this] { real_.driver.stop(); });
    thread_.join();
  }

  Loop& loop() { return real_.loop(); }

 private:
  RealLoop real_;
  std::thread thread_;
};

// A batch of posts, and the turn that runs them: on one thread there is nothing to wait for.
void post_same_thread(benchmark::State& state) {
  // The C library spares itself locks until there was a second thread, as in a server there always is;
  // without this one the figure would depend on what ran before.
  std::thread([] {}).join();
  RealLoop real;
  Loop& loop = real.loop();
  std::size_t ran = 0;
  for ([[maybe_unused]] auto _ : state) {
    for (std::size_t i = 1; i < kBatch; ++i) loop.post([&ran] { ++ran; });
    loop.post([&real] { real.driver.stop(); });
    real.driver.run();
    benchmark::DoNotOptimize(ran);
  }
  tell_each(state, kBatch);
}

// As many from another thread, until the last has run there.
void post_other_thread(benchmark::State& state) {
  std::size_t ran = 0;  // The loop's alone.
  std::atomic<bool> all{false};
  Threaded running;
  Loop& loop = running.loop();
  for ([[maybe_unused]] auto _ : state) {
    all = false;
    for (std::size_t i = 1; i < kBatch; ++i) loop.post([&ran] { ++ran; });
    loop.post([&ran, &all] {
      benchmark::DoNotOptimize(ran);
      all = true;
      all.notify_one();
    });
    all.wait(false);
  }
  tell_each(state, kBatch);
}

// One post to a loop that sleeps, and the answer: both threads wake up once.
void post_round_trip(benchmark::State& state) {
  std::atomic<bool> answered{false};
  Threaded running;
  for ([[maybe_unused]] auto _ : state) {
    answered = false;
    running.loop().post([&answered] {
      answered = true;
      answered.notify_one();
    });
    answered.wait(false);
  }
  tell_each(state, 1);
}

BENCHMARK(post_same_thread);
BENCHMARK(post_other_thread)->MeasureProcessCPUTime();
BENCHMARK(post_round_trip)->MeasureProcessCPUTime();

}  // namespace
}  // namespace weir::micro
