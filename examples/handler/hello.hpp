// A handler that shares nothing: answers each line with a greeting.
#pragma once

#include <weir/framing.hpp>
#include <weir/service_type.hpp>

namespace examples {

// Takes each line for a name and says hello to it.
class Hello final : public weir::LineHandler {
  void on_line(weir::Connection& peer, std::string_view name) override {
    peer.write("Hello, ");
    peer.write(name);
    if (peer.write("!\n") == weir::Flow::full) peer.pause();
  }

  void on_drain(weir::Connection& peer) override { peer.resume(); }
};

inline constexpr weir::ServiceType kHello =
    weir::handler_type<Hello>("hello", "Says hello to each name.");

}  // namespace examples
