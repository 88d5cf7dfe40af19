// Two connections joined: what either reads, the other writes, ends and resets included.
#pragma once

#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include <weir/handler.hpp>
#include <weir/loop.hpp>

namespace weir {

// Where relays go: a member of the Service whose accept() makes them, so one for each loop. Dialled in
// turn: each relay begins with the next one and goes on to the others while a dial fails.
//
//   class Forward final : public Service {
//    public:
//     explicit Forward(Loop& loop) : targets_(loop, {{.to = Url::parse("tcp://10.0.0.1:80")}}) {}
//     std::unique_ptr<Handler> accept(Connection&) override { return make_relay(targets_); }
//    private:
//     RelayTargets targets_;
//   };
//
// A relay takes two descriptors: say so with with_descriptors() of service_type.hpp.
class WEIR_API RelayTargets {
 public:
  // At least one; throws SetupError if one cannot be dialled at all.
  RelayTargets(Loop& loop, std::vector<ConnectOptions> to);

 private:
  friend class RelayNear;

  void missed(const ConnectOptions& target, const CloseReason& reason, std::string_view why);

  Loop& loop_;
  std::vector<ConnectOptions> to_;
  std::size_t next_ = 0;
  // Failed dials since the last line in the log, of which there is one a second for each target and
  // reason.
  struct Missed {
    std::uint64_t dials = 0;
    std::optional<SteadyTime> told;
  };
  std::map<std::tuple<const ConnectOptions*, CloseReason::Code, int>, Missed> missed_;
};

// The handler of an accepted connection whose bytes go to a target as they are, and the target's back.
// Nothing is read before the target is connected. Half-close and reset are carried across both ways; a
// side that takes nothing stops the other from being read. When no target can be reached the
// connection is reset, with the reason of the last dial. Idle and half-closed times are of the pair; a
// server that stops ends it after a second of silence both ways. In each direction bytes are copied while they
// come in small pieces, and moved inside the kernel, where it can, while they stream.
WEIR_API std::unique_ptr<Handler> make_relay(RelayTargets& targets);

}  // namespace weir
