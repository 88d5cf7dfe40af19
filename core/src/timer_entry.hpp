// What a Timer holds.
#pragma once

#include <weir/loop.hpp>

#include "wheel.hpp"

namespace weir {

class ServiceLoop;

namespace detail {

struct TimerEntry final : WheelNode {
  TimerEntry(std::uint64_t due_at, Task what, ServiceLoop& whose)
      : WheelNode(Kind::timer), due(due_at), task(std::move(what)), service(&whose) {}

  std::uint64_t due;  // The loop's tick; the wheel may offer it earlier.
  Task task;
  ServiceLoop* service;
};

}  // namespace detail
}  // namespace weir
