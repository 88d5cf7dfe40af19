// What a run asks of the machine: time, and what its own process has used.
#pragma once

#include <cstdint>
#include <memory>

#include <weir/loop.hpp>

namespace weir::load {

using Nanos = std::uint64_t;

constexpr Nanos kSecond = 1'000'000'000;
constexpr double seconds(Nanos time) { return static_cast<double>(time) / 1e9; }

// Calls a task on the loop again and again, until it dies.
class Pacer {
 public:
  virtual ~Pacer() = default;
};

// Replaced in tests by one that they move by hand.
class Machine {
 public:
  virtual ~Machine() = default;
  virtual Nanos now() = 0;       // Monotonic, the same clock in all processes.
  virtual Nanos own_cpu() = 0;   // User and system time of this process.
  virtual Nanos own_wait() = 0;  // How long this thread was ready and had no CPU; 0 if unknown.
  // Every `period`, as exactly as the machine can; while the task is late, once for several.
  virtual std::unique_ptr<Pacer> pace(Loop& loop, Nanos period, std::function<void()> task) = 0;
};

class SystemMachine final : public Machine {
 public:
  Nanos now() override;
  Nanos own_cpu() override;
  Nanos own_wait() override;
  std::unique_ptr<Pacer> pace(Loop& loop, Nanos period, std::function<void()> task) override;
};

// Throws SetupError.
void pin_to_cpu(int cpu);

}  // namespace weir::load
