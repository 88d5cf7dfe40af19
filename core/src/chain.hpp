// Output that waits: slices of blocks, oldest first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <sys/uio.h>

#include <weir/base.hpp>
#include <weir/payload.hpp>

#include "block.hpp"
#include "pipe_pool.hpp"

namespace weir {

// Collects copies of many connections' writes side by side. One per loop.
class WEIR_API Arena {
 public:
  explicit Arena(detail::Block::Kind kind) : kind_(kind) {}
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  struct Piece {
    detail::Block* block;  // Carries a count for the caller.
    std::byte* data;
  };

  // Copies the bytes. Pieces made one after the other are contiguous while a block lasts; a block
  // that nobody else holds any more is used from its start again.
  Piece copy(Bytes bytes);

 private:
  detail::Block::Kind kind_;
  detail::Block* block_ = nullptr;
};

class WEIR_API Chain {
 public:
  Chain() = default;
  ~Chain() { clear(); }
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  bool empty() const { return bytes_ == 0; }
  std::size_t bytes() const { return bytes_ + below; }
  std::size_t slices() const { return slices_.size() - head_; }

  // Valid only until own(): for bytes that outlive the callback which writes them.
  void borrow(Bytes bytes);
  void copy(Bytes bytes, Arena& arena);  // Through the arena, unless the chain is in many pieces.
  void copy(Bytes bytes);                // Into memory of its own.
  void share(const Payload& payload);
  void take(detail::Block* block, Bytes bytes);  // With the block's count; null: borrowed.

  // The pipe's bytes; only while the chain is empty. The pipe is to be released before anything is
  // added.
  void take(LentPipe pipe);
  Pipe* pipe() const { return pipe_.get(); }
  LentPipe release_pipe();  // What it still holds is not the chain's any more.

  // Fills at most `most` pieces; returns how many.
  int gather(iovec* pieces, int most) const;
  void consume(std::size_t bytes);

  // Copies what is borrowed, and what would pin a loop's arena, into memory of its own.
  void own();
  void clear();

  // Appends what is left, for a connection that moves.
  void read(std::vector<std::byte>& into) const;

  std::uint32_t stalled_since = 0;  // Loop's milliseconds when a byte was last taken,
  std::uint32_t unsent = 0;         // and what the kernel then had and the peer had not.
  std::uint32_t full_turn = 0;      // The turn in which it became full,
  std::uint32_t written_turn = 0;   // and that of the last write.
  std::size_t below = 0;            // Ciphertext that the stream holds: not here, but pending.

 private:
  struct Slice {
    detail::Block* block;  // Null: borrowed.
    const std::byte* data;
    std::size_t size;
  };

  void append(detail::Block* block, const std::byte* data, std::size_t size);
  void release_front();

  std::vector<Slice> slices_;
  LentPipe pipe_;
  std::size_t head_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace weir
