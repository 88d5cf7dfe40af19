// What a run is told: the scenario, the target, and the options with their defaults.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <weir/options.hpp>
#include <weir/url.hpp>

namespace weir::load {

enum class Scenario : std::uint8_t {
  echo,
  idle,
  storm,
  churn,
  send,
  receive,
  mix,
  fanout,
  ask,
  handshake
};

struct ScenarioInfo {
  Scenario scenario;
  const char* name;
  const char* help;
  bool may_host;   // The far side of a forwarder may be here (--backend),
  bool must_host;  // or has to be.
};

std::span<const ScenarioInfo> scenarios();
const ScenarioInfo& info(Scenario scenario);

struct Plan {
  static constexpr const char* kName = "command line";

  Scenario scenario = Scenario::echo;
  Url target;
  std::optional<Url> backend;
  std::vector<int> server_pids;

  std::int64_t connections = 50;
  std::size_t size = 64;
  std::int64_t depth = 1;
  Millis duration{2'000};
  Millis warmup{500};
  Millis timeout{10'000};  // A storm's repeated SYNs come after 1, 3 and 7 s.
  std::int64_t sources = 1;
  std::int64_t cpu = -1;
  std::size_t bytes = 1 << 20;
  std::int64_t chatter = 16;
  std::int64_t senders = 1;
  std::int64_t stalled = 0;
  bool reset = false;
  bool resumed = false;
  std::string send;
  std::size_t reply_bytes = 0;
  bool reply_line = false;
  bool reply_http = false;

  std::string backend_text;
  std::string server_pid_text;

  // Declares the options, each with default, range and help.
  void read(OptionReader& in);

  // Takes the words that need more than their range to be right: URLs, process ids, what belongs
  // together. `given` has the options that were said. Returns the faults, a sentence each.
  std::vector<std::string> settle(const std::string& scenario_name, const std::string& url,
                                  const OptionValues& given);

  // The target of the i-th connection: with several sources, 127.0.0.2 and its neighbours in turn.
  Url target_of(std::size_t index) const;

 private:
  void read_reply(OptionReader& in);
  std::string settle_ask();
  std::string settle_handshake(const std::string& url);
  std::string settle_fanout() const;
};

}  // namespace weir::load
