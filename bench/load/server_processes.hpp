// What the processes of a server have used.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "machine.hpp"

namespace weir::load {

// Of one moment. Nothing where a process could not be read.
struct ServerUse {
  Nanos when = 0;
  std::optional<Nanos> cpu;               // User and system time of all,
  std::map<std::int64_t, Nanos> threads;  // and of each thread.
  std::optional<std::int64_t> memory;     // Private_Dirty of all, in bytes.
};

// Between two moments.
struct ServerShare {
  std::optional<double> cpu;      // 1 is a whole CPU.
  std::optional<double> busiest;  // Of its threads.
};
ServerShare share_between(const ServerUse& before, const ServerUse& after);

// Replaced in tests. Only where there is a /proc of Linux's kind does the system tell.
class ServerProcesses {
 public:
  virtual ~ServerProcesses() = default;
  virtual std::span<const int> pids() const = 0;
  virtual ServerUse look(bool with_memory) = 0;
};

class SystemServerProcesses final : public ServerProcesses {
 public:
  // Throws SetupError if there is no such process, or nothing to be read of it.
  explicit SystemServerProcesses(std::vector<int> pids);

  std::span<const int> pids() const override { return pids_; }
  ServerUse look(bool with_memory) override;

 private:
  std::vector<int> pids_;
};

// As in /proc/PID/stat: clock ticks of user and system time. Nothing if the line is not of that form.
std::optional<std::uint64_t> cpu_ticks(const std::string& stat);
// As in /proc/PID/smaps_rollup: bytes.
std::optional<std::uint64_t> private_dirty(const std::string& rollup);

}  // namespace weir::load
