// A beat finer than a loop's timers, which are of whole milliseconds.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "machine.hpp"

namespace weir::load {

// A thread that sleeps to the next beat and posts to the loop. Dies on the loop's thread.
class ThreadPacer final : public Pacer {
 public:
  ThreadPacer(Loop& loop, Nanos period, std::function<void()> task);
  ~ThreadPacer() override;

 private:
  // Shared with what is posted, which may come after the pacer's end.
  struct Beat {
    std::function<void()> task;
    std::atomic<bool> posted = false;
    bool over = false;  // The loop's thread only.
  };

  void run(Nanos period);

  Loop& loop_;
  std::shared_ptr<Beat> beat_ = std::make_shared<Beat>();
  std::mutex mutex_;
  std::condition_variable ended_;
  bool end_ = false;
  std::thread thread_;
};

}  // namespace weir::load
