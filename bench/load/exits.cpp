#include "exits.hpp"

#include <cerrno>

namespace weir::load {

namespace {

constexpr int kUsage = 64;
constexpr int kUnresolved = 68;
constexpr int kUnavailable = 69;
constexpr int kSystem = 71;
constexpr int kTimeout = 75;
constexpr int kProtocol = 76;
constexpr int kPermission = 77;

}  // namespace

int exit_for(SetupError::Kind kind) {
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
    case SetupError::Kind::system:
      return kSystem;
  }
  return kInternalFault;
}

int exit_for(const CloseReason& not_made) {
  using Code = CloseReason::Code;
  if (not_made.error == EACCES || not_made.error == EPERM) return kPermission;
  switch (not_made.code) {
    case Code::unresolved:
      return kUnresolved;
    case Code::connect_timeout:
      return kTimeout;
    case Code::no_local_port:
    case Code::limit:
      return kSystem;
    case Code::handshake:
    case Code::tls:
      return kProtocol;
    default:
      return kUnavailable;
  }
}

}  // namespace weir::load
