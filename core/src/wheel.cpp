#include "wheel.hpp"

#include <algorithm>

namespace weir {

namespace {

void push(WheelNode*& head, WheelNode& node) {
  node.next = head;
  node.link = &head;
  if (head != nullptr) head->link = &node.next;
  head = &node;
}

void drop_all(WheelNode*& head) {
  while (head != nullptr) head->unlink();
}

}  // namespace

Wheel::~Wheel() {
  drop_all(due_);
  for (auto& level : slots_) std::for_each(level.begin(), level.end(), drop_all);
}

void Wheel::file(WheelNode& node, std::uint64_t tick) {
  node.unlink();
  insert(node, std::min(std::max(tick, goal_ + 1), now_ + kHorizon - 1));
}

// A node stands on the lowest level whose reach covers it, so that it moves down at most four times.
void Wheel::insert(WheelNode& node, std::uint64_t tick) {
  node.tick = static_cast<std::uint32_t>(tick);
  const std::uint64_t delta = tick - now_;
  unsigned level = 0;
  while (level + 1 < kLevels && delta >= 1ull << ((level + 1) * kSlotBits)) ++level;
  push(slots_[level][(tick >> (level * kSlotBits)) % kSlots], node);
}

void Wheel::cascade(WheelNode*& head) {
  WheelNode* node = head;
  head = nullptr;
  while (node != nullptr) {
    WheelNode* const rest = node->next;
    const auto delta = node->tick - static_cast<std::uint32_t>(now_);  // Less than the horizon.
    if (delta == 0) {
      push(due_, *node);
    } else {
      insert(*node, now_ + delta);
    }
    node = rest;
  }
}

void Wheel::jump(std::uint64_t tick) {
  now_ = tick;
  for (unsigned level = kLevels; level-- > 0;) {
    const unsigned shift = level * kSlotBits;
    if ((tick & ((1ull << shift) - 1)) == 0) cascade(slots_[level][(tick >> shift) % kSlots]);
  }
}

WheelNode* Wheel::take_due(std::uint64_t now) {
  goal_ = std::max(goal_, now);
  while (due_ == nullptr) {
    if (now_ >= now) return nullptr;
    const std::optional<std::uint64_t> next = next_tick();
    if (!next || *next > now) {
      now_ = now;
      return nullptr;
    }
    jump(*next);
  }
  WheelNode* const node = due_;
  node->unlink();
  return node;
}

std::optional<std::uint64_t> Wheel::next_tick() const {
  if (due_ != nullptr) return now_;
  std::optional<std::uint64_t> best;
  for (unsigned level = 0; level < kLevels; ++level) {
    const unsigned shift = level * kSlotBits;
    const std::uint64_t here = now_ >> shift;
    for (unsigned ahead = 1; ahead <= kSlots; ++ahead) {
      if (slots_[level][(here + ahead) % kSlots] == nullptr) continue;
      const std::uint64_t start = (here + ahead) << shift;
      best = best ? std::min(*best, start) : start;
      break;
    }
  }
  return best;
}

}  // namespace weir
