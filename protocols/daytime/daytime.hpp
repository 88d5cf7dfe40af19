// The daytime protocol (RFC 867).
#pragma once

#include <string>

#include <weir/service_type.hpp>

namespace weir::protocols {

// Sends the date and time as one line for people, in UTC, and closes. Waits for no request.
class Daytime final : public Handler {
  void on_open(Connection& peer) override;
};

// "Tuesday, February 22, 1982 17:37:43-UTC": the form the RFC suggests, in English everywhere.
std::string daytime_text(WallTime when);

inline constexpr ServiceType kDaytime =
    handler_type<Daytime>("daytime", "Sends the date and time as one line, in UTC (RFC 867).");

}  // namespace weir::protocols
