// The time protocol (RFC 868).
#pragma once

#include <weir/service_type.hpp>

namespace weir::protocols {

// Sends the seconds since 1900 in four bytes, big endian, and closes. Waits for no request.
class Time final : public Handler {
  void on_open(Connection& peer) override;
};

inline constexpr ServiceType kTime =
    handler_type<Time>("time", "Sends the seconds since 1900 in four bytes (RFC 868).");

}  // namespace weir::protocols
