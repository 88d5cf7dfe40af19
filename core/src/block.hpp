// Counted memory that output is made of: one block, many slices of it in many chains.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace weir::detail {

// Counted atomically, because a Payload may be dropped on any thread. Bytes below `used` never change
// while the count is above one; only the block's one writer appends.
struct Block {
  enum class Kind : std::uint8_t {
    arena,    // A loop's, for copies that should leave within the turn.
    owned,    // One chain's.
    payload,  // Shared by design.
  };

  static constexpr std::size_t kSize = 64 << 10;  // Of a block that collects many writes.

  std::atomic<std::uint32_t> refs{1};
  std::uint32_t capacity = 0;
  std::uint32_t used = 0;
  Kind kind = Kind::owned;

  std::byte* data() { return reinterpret_cast<std::byte*>(this + 1); }
  std::size_t room() const { return capacity - used; }
  bool sole() const { return refs.load(std::memory_order_acquire) == 1; }

  static Block* make(std::size_t capacity, Kind kind);
  static void retain(Block* block) { block->refs.fetch_add(1, std::memory_order_relaxed); }
  static void release(Block* block);
};

}  // namespace weir::detail
