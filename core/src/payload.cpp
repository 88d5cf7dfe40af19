#include <weir/payload.hpp>

#include "chain.hpp"

namespace weir {

using detail::Block;

namespace {

// Payloads made on one thread stand side by side, so that recipients send several as one piece.
Arena& payload_arena() {
  thread_local Arena arena(Block::Kind::payload);
  return arena;
}

}  // namespace

Payload::Payload(Bytes bytes) : size_(static_cast<std::uint32_t>(bytes.size())) {
  if (bytes.size() > UINT32_MAX) throw SetupError("a payload is larger than 4 GiB");
  if (bytes.empty()) return;
  const Arena::Piece piece = payload_arena().copy(bytes);
  block_ = piece.block;
  offset_ = static_cast<std::uint32_t>(piece.data - block_->data());
}

Payload::Payload(const Payload& other) noexcept
    : block_(other.block_), offset_(other.offset_), size_(other.size_) {
  if (block_ != nullptr) Block::retain(block_);
}

Payload::Payload(Payload&& other) noexcept
    : block_(std::exchange(other.block_, nullptr)),
      offset_(std::exchange(other.offset_, 0)),
      size_(std::exchange(other.size_, 0)) {}

Payload& Payload::operator=(Payload other) noexcept {
  std::swap(block_, other.block_);
  std::swap(offset_, other.offset_);
  std::swap(size_, other.size_);
  return *this;
}

Payload::~Payload() {
  if (block_ != nullptr) Block::release(block_);
}

Bytes Payload::bytes() const {
  if (block_ == nullptr) return {};
  return {block_->data() + offset_, size_};
}

}  // namespace weir
