#include "timeline.hpp"

#include <algorithm>

namespace weir::load {

namespace {

double micros(Nanos time) { return static_cast<double>(time) / 1e3; }

}  // namespace

Timeline::Timeline(std::span<const Page> pages, const Plan& plan, OnSecond on_second)
    : pages_(pages), bulk_(plan.scenario == Scenario::bulk), on_second_(std::move(on_second)) {}

// The agents count on meanwhile: a message may be missing in one figure and be found in the next second's.
Timeline::State Timeline::look(Histogram& latency) const {
  State now;
  latency.clear();
  for (const Page& page : pages_) {
    now.count += bulk_ ? page.meter.bytes : page.meter.messages;
    now.errors += page.meter.errors;
    now.own_cpu.push_back(page.own_cpu.load());
    latency.merge(page.meter.latency);
  }
  return now;
}

void Timeline::begin(Nanos now, const ServerUse& server) {
  forget();
  before_ = look(*latency_before_);
  server_before_ = server;
  began_ = last_ = now;
}

const Second& Timeline::cut(Nanos now, const ServerUse& server) {
  const State state = look(*latency_now_);
  Second second;
  second.at = seconds(now - began_);
  second.span = std::max(seconds(now - last_), 1e-9);
  const std::uint64_t count = state.count - std::min(state.count, before_.count);
  second.rate = static_cast<double>(count) / second.span;
  second.errors = state.errors - before_.errors;
  for (const Page& page : pages_) second.connections += page.meter.open;
  Nanos busiest = 0;
  for (std::size_t i = 0; i < state.own_cpu.size(); ++i) {
    busiest = std::max(busiest, state.own_cpu[i] - before_.own_cpu[i]);
  }
  second.generator_cpu = seconds(busiest) / second.span;
  second.server_cpu = share_between(server_before_, server).cpu;
  second.server_memory = server.memory;

  *latency_ = *latency_now_;
  latency_->subtract(*latency_before_);
  if (latency_->count() > 0) {
    second.p50 = micros(latency_->at(0.5));
    second.p90 = micros(latency_->at(0.9));
    second.p99 = micros(latency_->at(0.99));
    second.most = micros(latency_->max());
  }
  seconds_.push_back(second);
  if (on_second_) on_second_(seconds_.back(), *latency_);
  before_ = state;
  std::swap(latency_now_, latency_before_);
  server_before_ = server;
  last_ = now;
  return seconds_.back();
}

}  // namespace weir::load
