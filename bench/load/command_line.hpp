// The command line of the generator, and its exit codes.
#pragma once

#include <optional>
#include <string>

#include "plan.hpp"

namespace weir::load {

// Those of <sysexits.h>, which not every system has, and one of our own.
enum Exit : int {
  kDone = 0,
  kUsage = 64,        // Anything wrong on the command line, a bad URL included.
  kUnresolved = 68,   // A host name without an address.
  kUnavailable = 69,  // Refused, unreachable, address in use.
  kInternal = 70,     // A mistake of ours.
  kSystem = 71,       // Any other refusal of the system; no local port.
  kTimeout = 75,
  kPermission = 77,
  kInvalid = 98,  // It was measured, and the figures are worth nothing.
};

// Fills the plan. A value is the exit code: all was said (help), or is wrong.
std::optional<Exit> read_command_line(int argc, const char* const* argv, Plan& plan);

// "weir-load: " and the sentence on standard error.
Exit fail(Exit code, const std::string& sentence);

}  // namespace weir::load
