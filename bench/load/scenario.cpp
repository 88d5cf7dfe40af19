#include "scenario.hpp"

#include <array>
#include <vector>

#include <weir/text.hpp>

namespace weir::load {

namespace {

using Far = ScenarioInfo::Far;

constexpr std::array<ScenarioInfo, 17> kScenarios = {{
    {Scenario::ask, "ask", "closed loop: request and reply of any protocol", Far::never, true,
     true},
    {Scenario::echo, "echo", "closed loop: `depth` messages of `size` bytes in flight on each",
     Far::may},
    {Scenario::rate, "rate",
     "open loop: `rate` messages a second, whether or not the answers keep up; latency counts from "
     "when each was due",
     Far::may, true, true},
    {Scenario::idle, "idle",
     "hold all connections, one echo on each, then `active` of them busy: memory of the server",
     Far::may, true, true},
    {Scenario::storm, "storm", "open all connections at once, one echo on each", Far::may, true,
     true},
    {Scenario::churn, "churn", "connect, one echo, close, and again", Far::may, true, true},
    {Scenario::bulk, "bulk", "streams, as fast as they go", Far::may, false},
    {Scenario::mix, "mix", "chatter and streams of `bytes` in turn, through a forwarder", Far::must,
     false},
    {Scenario::fanout, "fanout",
     "chat rooms: `depth` lines under way in each, said by its `senders`, heard by all members",
     Far::never, false},
    {Scenario::handshake, "handshake", "churn over TLS, each handshake full, or each --resumed",
     Far::may, true, true},
    {Scenario::slow_reader, "slow-reader", "asks without end and hardly reads", Far::never, false,
     true, true},
    {Scenario::drip, "drip", "sends a request that never ends, one byte a second", Far::never,
     false, true, true},
    {Scenario::half_open, "half-open",
     "asks, and is gone without a word to the server (needs CAP_NET_ADMIN)", Far::never, false,
     true, true},
    {Scenario::reset_storm, "reset-storm", "connects, asks and resets, as fast as it goes",
     Far::never, false, true, true},
    {Scenario::long_line, "long-line", "sends a line that never ends", Far::never, false, true,
     true},
    {Scenario::silent, "silent", "connects and says nothing", Far::never, false, true, true},
    {Scenario::unfinished_handshake, "unfinished-handshake",
     "connects, says half of a ClientHello and nothing more", Far::never, false, true, true},
}};

}  // namespace

std::span<const ScenarioInfo> scenarios() { return kScenarios; }

const ScenarioInfo& info(Scenario scenario) {
  return kScenarios[static_cast<std::size_t>(scenario)];
}

std::optional<Scenario> find_scenario(std::string_view name, std::string& fault) {
  std::vector<std::string> names;
  for (const ScenarioInfo& each : kScenarios) {
    if (name == each.name) return each.scenario;
    names.emplace_back(each.name);
  }
  fault = "there is no scenario \"" + escape(name, 200) + '"';
  const std::string meant = nearest(std::string(name), names);
  fault += meant.empty() ? ", expected one of those that weir bench --help lists"
                         : "; did you mean \"" + meant + "\"?";
  return {};
}

}  // namespace weir::load
