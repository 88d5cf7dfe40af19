// A hierarchical timer wheel: five levels of 64 slots, one millisecond at the lowest.
//
// Nodes are intrusive. A node that comes due is only an offer to look: who owns it compares its true
// deadline and files it again if that has moved, so activity on a connection never touches the wheel.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include <weir/base.hpp>

namespace weir {

struct WheelNode {
  enum class Kind : std::uint8_t { connection, timer };

  explicit WheelNode(Kind kind_of) : kind(kind_of) {}
  ~WheelNode() { unlink(); }
  WheelNode(const WheelNode&) = delete;
  WheelNode& operator=(const WheelNode&) = delete;

  bool filed() const { return link != nullptr; }
  void unlink() {
    if (link == nullptr) return;
    *link = next;
    if (next != nullptr) next->link = link;
    link = nullptr;
    next = nullptr;
  }

  WheelNode** link = nullptr;  // What points here; null when not filed.
  WheelNode* next = nullptr;
  std::uint32_t tick = 0;  // The low half of when it comes due.
  const Kind kind;
};

class WEIR_API Wheel {
 public:
  // About 12 days: a node filed beyond it is offered that early, to be filed again.
  static constexpr std::uint32_t kHorizon = 1u << 30;

  explicit Wheel(std::uint64_t now = 0) : now_(now), goal_(now) {}
  ~Wheel();
  Wheel(const Wheel&) = delete;
  Wheel& operator=(const Wheel&) = delete;

  // Files the node at a tick (milliseconds), again if it is filed already. A tick that has passed
  // comes due at the next advance, never in the one under way.
  void file(WheelNode& node, std::uint64_t tick);

  // Advances towards `now` and takes the next node that is due, unfiled; null when there is none.
  WheelNode* take_due(std::uint64_t now);

  // When to advance again: not later than the next node is due. Empty when no node is filed.
  std::optional<std::uint64_t> next_tick() const;

 private:
  static constexpr unsigned kLevels = 5;
  static constexpr unsigned kSlotBits = 6;
  static constexpr unsigned kSlots = 1u << kSlotBits;

  void insert(WheelNode& node, std::uint64_t tick);
  void cascade(WheelNode*& head);
  void jump(std::uint64_t tick);

  std::uint64_t now_;
  std::uint64_t goal_;  // Of the last advance, which may be under way.
  WheelNode* due_ = nullptr;
  std::array<std::array<WheelNode*, kSlots>, kLevels> slots_{};
};

}  // namespace weir
