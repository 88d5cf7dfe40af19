#include "machine.hpp"

#include <cerrno>
#include <chrono>
#include <fstream>
#include <system_error>

#include <sched.h>
#include <sys/resource.h>

#include <weir/base.hpp>

#include "thread_pacer.hpp"

namespace weir::load {

namespace {

Nanos nanos(const timeval& time) {
  return static_cast<Nanos>(time.tv_sec) * kSecond + static_cast<Nanos>(time.tv_usec) * 1'000;
}

}  // namespace

Nanos SystemMachine::now() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<Nanos>(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

Nanos SystemMachine::own_cpu() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return nanos(usage.ru_utime) + nanos(usage.ru_stime);
}

// Time on a CPU, time in its queue, turns: of the thread, in ns.
Nanos SystemMachine::own_wait() {
  std::ifstream file("/proc/thread-self/schedstat");
  Nanos on_cpu = 0;
  Nanos waited = 0;
  return file >> on_cpu >> waited ? waited : 0;
}

std::unique_ptr<Pacer> SystemMachine::pace(Loop& loop, Nanos period, std::function<void()> task) {
  return std::make_unique<ThreadPacer>(loop, period, std::move(task));
}

void pin_to_cpu(int cpu) {
#ifdef __linux__
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  if (::sched_setaffinity(0, sizeof set, &set) == 0) return;
  throw SetupError("cpu: this process cannot run on CPU " + std::to_string(cpu) + ": " +
                   std::generic_category().message(errno));
#else
  throw SetupError("cpu: this system does not let a process choose its CPU " + std::to_string(cpu));
#endif
}

}  // namespace weir::load
