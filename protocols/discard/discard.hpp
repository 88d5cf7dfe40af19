// The discard protocol (RFC 863).
#pragma once

#include <weir/service_type.hpp>

namespace weir::protocols {

// Reads everything, answers nothing, and ends when the peer does.
class Discard final : public Handler {
  std::size_t on_data(Connection& peer, Bytes data) override;
  bool freeze(State&) override { return true; }  // Nothing of its own to carry.
};

inline constexpr ServiceType kDiscard =
    handler_type<Discard>("discard", "Reads everything and answers nothing (RFC 863).");

}  // namespace weir::protocols
