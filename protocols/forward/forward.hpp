// The forwarder: what arrives here goes to another server, and what that answers comes back.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include <weir/relay.hpp>
#include <weir/service_type.hpp>
#include <weir/url.hpp>

namespace weir::protocols {

// Accepts, and leaves the rest to a relay.
class ForwardService final : public Service {
 public:
  ForwardService(Loop& loop, const std::vector<ConnectOptions>& to) : targets_(loop, to) {}
  std::unique_ptr<Handler> accept(Connection&) override { return make_relay(targets_); }

 private:
  RelayTargets targets_;
};

// Knows the targets, sees to it that none of them is the forwarder itself, and logs what goes where.
class Forward final : public Protocol {
 public:
  struct Options {
    std::vector<Url> to;
    Millis connect_timeout = ConnectOptions{}.timeout;  // Of each target: lookup and all addresses.

    void read(OptionReader& in);
  };

  // Throws SetupError if a target cannot be dialled at all.
  explicit Forward(const Options& options);

  void listening(const std::vector<Url>& at) override;
  std::unique_ptr<Service> open(Loop& loop) override;

 private:
  std::vector<ConnectOptions> to_;
  std::string mapping_;             // What the log is told,
  std::atomic<bool> told_ = false;  // by the first loop.
};

inline constexpr ServiceType kForward = with_descriptors(
    protocol_type<Forward>("forward", "Passes connections on to another server and back."), 2);

}  // namespace weir::protocols
