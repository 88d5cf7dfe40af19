// The service that most tests over real sockets are about.
#pragma once

#include <string_view>

#include <weir/server.hpp>

namespace weir::test {

class Echo final : public Handler {
  std::size_t on_data(Connection& peer, Bytes data) override {
    peer.write(data);
    return data.size();
  }
};

inline constexpr ServiceType kEcho = handler_type<Echo>("echo", "Sends back what it receives.");

inline Listen echo_at(std::string_view url) {
  Listen service;
  service.at = {Url::parse(url)};
  service.speak = "echo";
  return service;
}

}  // namespace weir::test
