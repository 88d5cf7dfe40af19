// What a run is told: the scenario, the target, and the options with their defaults.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <weir/options.hpp>
#include <weir/url.hpp>

#include "reply.hpp"
#include "scenario.hpp"

namespace weir::load {

struct Plan {
  static constexpr const char* kName = "bench";
  static constexpr std::int64_t kAgentsMost = 1'024;

  Scenario scenario = Scenario::echo;
  Url target;
  std::optional<Url> backend;
  std::vector<int> server_pids;
  std::vector<std::string> sources;  // Addresses to dial from,
  std::vector<std::string> targets;  // and to dial in place of the target's.

  std::int64_t connections = 50;  // Of all agents together.
  std::size_t size = 64;
  std::int64_t depth = 1;
  std::int64_t rate =
      0;  // Messages a second, of all agents together; 0: half of what a probe gets.
  std::string gaps = "fixed";
  Millis duration{10'000};
  Millis warmup{500};
  Millis ramp{0};
  Millis timeout{10'000};  // A storm's repeated SYNs come after 1, 3 and 7 s.
  std::int64_t agents = 1;
  std::int64_t cpu = -1;
  std::int64_t active = 0;
  std::string way = "up";
  std::size_t bytes = 1 << 20;
  std::int64_t chatter = 16;
  std::int64_t senders = 1;
  std::int64_t stalled = 0;
  std::int64_t rooms = 1;
  bool reset = false;
  bool resumed = false;
  std::string send;
  Reply reply;

  std::string backend_text;
  std::string server_pid_text;
  std::string sources_text;
  std::string targets_text;

  // Declares the options, each with default, range and help.
  void read(OptionReader& in);

  // Takes the words that need more than their range to be right: URLs, process ids, addresses, what
  // belongs together. `given` has the options that were said. Returns the faults, a sentence each.
  std::vector<std::string> settle(const std::string& scenario_name, const std::string& url,
                                  const OptionValues& given);

  bool bulk_down() const { return scenario == Scenario::bulk && way == "down"; }
  bool abuses() const { return info(scenario).abuse; }

  // What one of several agents has to do: its share of connections, rate and active ones.
  Plan share(std::size_t agent) const;

  // The target of the i-th connection: targets in turn, and for each round of them the next source.
  Url target_of(std::size_t index) const;

 private:
  void read_load(OptionReader& in);
  void read_peers(OptionReader& in);
  void read_reply(OptionReader& in);
  std::string settle_far_side();
  std::string settle_addresses(const std::string& url);
  std::string settle_reply();
  std::string settle_handshake();
  std::string settle_fanout() const;
  std::string settle_agents() const;
  std::string settle_abuse() const;

  std::vector<Url> from_;  // The target, from each source.
  std::size_t first_ = 0;
};

}  // namespace weir::load
