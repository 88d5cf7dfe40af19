// What a run can do, by name.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace weir::load {

enum class Scenario : std::uint8_t {
  ask,
  echo,
  rate,
  idle,
  storm,
  churn,
  bulk,
  mix,
  fanout,
  handshake,
  slow_reader,
  drip,
  half_open,
  reset_storm,
  long_line,
  silent,
  unfinished_handshake
};

struct ScenarioInfo {
  // Where the far side of a forwarder may be served by the generator itself, with --backend.
  enum class Far : std::uint8_t { never, may, must };

  Scenario scenario;
  const char* name;
  const char* help;
  Far far = Far::never;
  bool shares = true;  // Its connections may be spread over several agents.
  bool talks = false;  // --send gives it another protocol than echo.
  bool abuse = false;  // It does what a server has to be safe from.
};

std::span<const ScenarioInfo> scenarios();
const ScenarioInfo& info(Scenario scenario);
// By name; a sentence with the nearest one if there is none.
std::optional<Scenario> find_scenario(std::string_view name, std::string& fault);

}  // namespace weir::load
