// What the program's exit status says. The numbers are those of <sysexits.h>, which not every system
// has, and 1; those of a measurement's verdict are above them.
#pragma once

#include <weir/base.hpp>

namespace weir::program {

enum Exit : int {
  kDone = 0,
  kDrainForced = 1,    // The drain deadline or a second signal ended connections.
  kUsage = 64,         // Anything wrong on the command line, a bad URL included.
  kData = 65,          // A file that was given is not what it has to be.
  kNoInput = 66,       // Standard input or a file cannot be read.
  kUnresolved = 68,    // A host name without an address.
  kUnavailable = 69,   // Refused, unreachable, address in use.
  kInternal = 70,      // A mistake of ours.
  kSystem = 71,        // Any other refusal of the system; no local port.
  kCannotCreate = 73,  // A socket's node cannot be made where it should be.
  kTimeout = 75,
  kProtocol = 76,  // The peer broke the rules, or reset the connection in the middle.
  kPermission = 77,
  kConfiguration = 78,  // Something wrong in a configuration file.
  kInvalid = 98,        // What was measured does not count: the generator was the limit, say.
  kBreached = 99,       // It counts, and is worse than was asked for.
};

constexpr Exit exit_for(SetupError::Kind kind) {
  switch (kind) {
    case SetupError::Kind::usage:
      return kUsage;
    case SetupError::Kind::unresolved:
      return kUnresolved;
    case SetupError::Kind::unavailable:
      return kUnavailable;
    case SetupError::Kind::permission:
      return kPermission;
    case SetupError::Kind::creation:
      return kCannotCreate;
    case SetupError::Kind::system:
      return kSystem;
  }
  return kInternal;
}

}  // namespace weir::program
