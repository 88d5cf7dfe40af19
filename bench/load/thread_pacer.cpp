#include "thread_pacer.hpp"

#include <chrono>

#ifdef __linux__
#include <sys/prctl.h>
#endif

namespace weir::load {

namespace {

// The kernel may wake a thread later by its slack, to save energy: 50 µs if nothing is said.
void want_exact_sleep() {
#ifdef __linux__
  ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
#endif
}

}  // namespace

ThreadPacer::ThreadPacer(Loop& loop, Nanos period, std::function<void()> task) : loop_(loop) {
  beat_->task = std::move(task);
  thread_ = std::thread([this, period] { run(period); });
}

ThreadPacer::~ThreadPacer() {
  beat_->over = true;
  {
    const std::lock_guard lock(mutex_);
    end_ = true;
  }
  ended_.notify_one();
  thread_.join();
}

void ThreadPacer::run(Nanos period) {
  want_exact_sleep();
  std::unique_lock lock(mutex_);
  auto next = std::chrono::steady_clock::now();
  while (!end_) {
    // Beats that were missed are not made up for: the task looks at the clock.
    next = std::max(next + std::chrono::nanoseconds(period), std::chrono::steady_clock::now());
    if (ended_.wait_until(lock, next, [this] { return end_; })) return;
    if (beat_->posted.exchange(true)) continue;
    loop_.post([beat = beat_] {
      beat->posted = false;
      if (!beat->over) beat->task();
    });
  }
}

}  // namespace weir::load
