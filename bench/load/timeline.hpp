// A run, second by second, made by looking into the agents' meters while they count.
#pragma once

#include <functional>

#include "outcome.hpp"
#include "server_processes.hpp"

namespace weir::load {

class Timeline {
 public:
  // With each second its histogram is handed on, which lives until that returns.
  using OnSecond = std::function<void(const Second&, const Histogram&)>;

  Timeline(std::span<const Page> pages, const Plan& plan, OnSecond on_second);

  void begin(Nanos now, const ServerUse& server);
  // Ends the second that is under way.
  const Second& cut(Nanos now, const ServerUse& server);
  void forget() { seconds_.clear(); }  // What was measured so far was not what counts.

  Nanos began() const { return began_; }
  Nanos last_cut() const { return last_; }
  bool empty() const { return seconds_.empty(); }
  const Second& last() const { return seconds_.back(); }
  std::vector<Second> take() { return std::move(seconds_); }

 private:
  struct State {
    std::uint64_t count = 0;  // Messages, or of bulk bytes.
    std::uint64_t errors = 0;
    std::vector<Nanos> own_cpu;  // Of each agent.
  };
  State look(Histogram& latency) const;

  std::span<const Page> pages_;
  bool bulk_;
  OnSecond on_second_;
  State before_;
  std::unique_ptr<Histogram> latency_before_ = std::make_unique<Histogram>();
  std::unique_ptr<Histogram> latency_now_ = std::make_unique<Histogram>();
  std::unique_ptr<Histogram> latency_ = std::make_unique<Histogram>();
  ServerUse server_before_;
  Nanos began_ = 0;
  Nanos last_ = 0;
  std::vector<Second> seconds_;
};

}  // namespace weir::load
