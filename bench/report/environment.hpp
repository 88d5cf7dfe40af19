// The machine that a result comes from.
#pragma once

#include <cstdint>
#include <string>

namespace weir::load {

struct Environment {
  std::string system;  // "Debian GNU/Linux 12 (bookworm)"; empty if unknown, like the others.
  std::string kernel;
  std::string cpu;
  int cpus = 0;                  // That this process may use.
  std::int64_t memory = 0;       // Bytes.
  std::int64_t descriptors = 0;  // That a process may hold.
  double load_average = 0;       // Over the last minute.
};

Environment environment();

}  // namespace weir::load
