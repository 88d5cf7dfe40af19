// What a run asks of the machine: time, and what processes have used.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace weir::load {

using Nanos = std::uint64_t;

// Replaced in tests by one that they move by hand.
class Machine {
 public:
  virtual ~Machine() = default;
  virtual Nanos now() = 0;                        // Monotonic.
  virtual Nanos own_cpu() = 0;                    // User and system time of this process,
  virtual std::optional<Nanos> server_cpu() = 0;  // and of all servers; unknown: none named.
  virtual std::optional<std::uint64_t> server_memory() = 0;  // Private_Dirty of all, in bytes.
};

// The system's own figures; servers only where there is a /proc of Linux's kind.
class SystemMachine final : public Machine {
 public:
  // Throws SetupError if there is no such process, or nothing to be read of it.
  explicit SystemMachine(std::span<const int> server_pids);

  Nanos now() override;
  Nanos own_cpu() override;
  std::optional<Nanos> server_cpu() override;
  std::optional<std::uint64_t> server_memory() override;

 private:
  std::span<const int> pids_;
};

// The rest of what a generator needs of its process. Throw SetupError.
void pin_to_cpu(int cpu);

// As in /proc/PID/stat: clock ticks of user and system time. Nothing if the line is not of that form.
std::optional<std::uint64_t> cpu_ticks(const std::string& stat);
// As in /proc/PID/smaps_rollup: bytes.
std::optional<std::uint64_t> private_dirty(const std::string& rollup);

}  // namespace weir::load
