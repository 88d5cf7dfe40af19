// A relay between a client and a backend, both held by the case.
#pragma once

#include <optional>
#include <string>

#include <catch2/catch.hpp>

#include <weir/relay.hpp>
#include <weir/testing.hpp>
#include <weir/testing_tls.hpp>

namespace weir {

class RelayService final : public Service {
 public:
  RelayService(Loop& loop, std::vector<ConnectOptions> to) : targets_(loop, std::move(to)) {}
  std::unique_ptr<Handler> accept(Connection&) override { return make_relay(targets_); }

 private:
  RelayTargets targets_;
};

inline ConnectOptions target(std::string_view url, Millis timeout = Millis{5'000}) {
  return {Url::parse(url), timeout};
}

// TLS is never spliced: the kernel has only its ciphertext.
inline bool can_splice() { return testing::asked_transport() == testing::Transport::plain; }

// So many bytes of which none looks like its neighbours.
inline std::string pattern(std::size_t size, std::size_t from = 0) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t at = from + i;
    text[i] = static_cast<char>((at * 31) ^ (at >> 8) ^ (at >> 16));
  }
  return text;
}

struct RelayCase {
  static constexpr const char* kBackend = "tcp://10.0.0.1:80";

  explicit RelayCase(const testing::NetOptions& options = {})
      : net(options), service(net.loop(), {target(kBackend)}) {
    net.place(kBackend);
  }

  void connect() {
    client = &net.connect(service);
    net.run();
    backend = net.place(kBackend).next();
    REQUIRE(backend != nullptr);
  }

  testing::Net net;
  RelayService service;
  testing::Peer* client = nullptr;
  testing::Peer* backend = nullptr;
};

}  // namespace weir
