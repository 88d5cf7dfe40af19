#include "chain.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace weir {

using detail::Block;

namespace {

// Slices beyond which small writes are copied together: sendmsg takes 64 pieces at a time here.
constexpr std::size_t kSlicesMax = 32;
constexpr std::size_t kOwnBlockMin = 1 << 10;
// Shared bytes up to this size are copied when a chain is in many pieces; each slice costs 24 bytes
// and keeps a whole block alive.
constexpr std::size_t kSmallShare = 1 << 10;

void copy_bytes(std::byte* to, Bytes bytes) {
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
}

}  // namespace

Block* Block::make(std::size_t capacity, Kind kind) {
  void* const memory = ::operator new(sizeof(Block) + capacity);
  auto* const block = new (memory) Block;
  block->capacity = static_cast<std::uint32_t>(capacity);
  block->kind = kind;
  return block;
}

void Block::release(Block* block) {
  if (block->refs.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  block->~Block();
  ::operator delete(block);
}

Arena::~Arena() {
  if (block_ != nullptr) Block::release(block_);
}

Arena::Piece Arena::copy(Bytes bytes) {
  if (bytes.size() > Block::kSize / 4) {  // Would waste the rest of a block; gets one of its own.
    Block* const own = Block::make(bytes.size(), kind_);
    own->used = own->capacity;
    copy_bytes(own->data(), bytes);
    return {own, own->data()};
  }
  if (block_ != nullptr && block_->sole()) block_->used = 0;
  if (block_ == nullptr || block_->room() < bytes.size()) {
    if (block_ != nullptr) Block::release(block_);
    block_ = nullptr;
    block_ = Block::make(Block::kSize, kind_);
  }
  std::byte* const data = block_->data() + block_->used;
  copy_bytes(data, bytes);
  block_->used += static_cast<std::uint32_t>(bytes.size());
  Block::retain(block_);
  return {block_, data};
}

void Chain::append(Block* block, const std::byte* data, std::size_t size) {
  if (head_ < slices_.size()) {
    Slice& last = slices_.back();
    if (last.block == block && last.data + last.size == data) {
      last.size += size;
      bytes_ += size;
      if (block != nullptr) Block::release(block);
      return;
    }
  }
  slices_.push_back({block, data, size});
  bytes_ += size;
}

void Chain::borrow(Bytes bytes) {
  if (!bytes.empty()) append(nullptr, bytes.data(), bytes.size());
}

void Chain::copy(Bytes bytes, Arena& arena) {
  if (bytes.empty()) return;
  if (slices() >= kSlicesMax) return copy(bytes);
  const Arena::Piece piece = arena.copy(bytes);
  append(piece.block, piece.data, bytes.size());
}

void Chain::copy(Bytes bytes) {
  while (!bytes.empty()) {
    Block* last = head_ < slices_.size() ? slices_.back().block : nullptr;
    const bool mine = last != nullptr && last->kind == Block::Kind::owned;
    if (!mine || last->room() == 0) {
      const std::size_t grown = mine ? std::size_t{last->capacity} * 2 : kOwnBlockMin;
      const std::size_t capacity = std::max(std::min(grown, Block::kSize), bytes.size());
      last = Block::make(std::min<std::size_t>(capacity, 16u << 20), Block::Kind::owned);
      slices_.push_back({last, last->data(), 0});
    }
    const std::size_t size = std::min(last->room(), bytes.size());
    copy_bytes(last->data() + last->used, bytes.first(size));
    last->used += static_cast<std::uint32_t>(size);
    slices_.back().size += size;
    bytes_ += size;
    bytes = bytes.subspan(size);
  }
}

void Chain::share(const Payload& payload) {
  if (payload.empty()) return;
  if (slices() >= kSlicesMax && payload.size() <= kSmallShare) return copy(payload.bytes());
  Block::retain(payload.block_);
  append(payload.block_, payload.block_->data() + payload.offset_, payload.size_);
}

void Chain::take(Block* block, Bytes bytes) { append(block, bytes.data(), bytes.size()); }

void Chain::take(LentPipe pipe) {
  pipe_ = std::move(pipe);
  bytes_ = pipe_->held();
}

LentPipe Chain::release_pipe() {
  bytes_ = 0;
  return std::move(pipe_);
}

int Chain::gather(iovec* pieces, int most) const {
  int count = 0;
  for (std::size_t i = head_; i < slices_.size() && count < most; ++i, ++count) {
    pieces[count] = {const_cast<std::byte*>(slices_[i].data), slices_[i].size};
  }
  return count;
}

void Chain::release_front() {
  Block* const block = slices_[head_].block;
  if (block != nullptr) Block::release(block);
  ++head_;
}

void Chain::consume(std::size_t bytes) {
  bytes_ -= bytes;
  if (pipe_ != nullptr) return;  // Keeps account itself.
  while (bytes > 0) {
    Slice& first = slices_[head_];
    if (bytes < first.size) {
      first.data += bytes;
      first.size -= bytes;
      break;
    }
    bytes -= first.size;
    release_front();
  }
  if (head_ == slices_.size()) {
    slices_.clear();
    head_ = 0;
  } else if (head_ >= kSlicesMax) {
    slices_.erase(slices_.begin(), slices_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
}

void Chain::own() {
  const bool scattered = slices() > kSlicesMax;
  const auto stays = [scattered](const Slice& slice) {
    if (slice.block == nullptr) return false;
    if (slice.block->kind == Block::Kind::owned) return true;
    return slice.block->kind == Block::Kind::payload && !scattered;
  };
  std::size_t moving = 0;
  for (std::size_t i = head_; i < slices_.size(); ++i) {
    if (!stays(slices_[i])) moving += slices_[i].size;
  }
  if (moving == 0) return;

  // One block takes everything that moves, in order; what stays keeps its place between.
  Block* const block = Block::make(moving, Block::Kind::owned);
  block->used = block->capacity;
  std::byte* to = block->data();
  std::vector<Slice> old;
  old.swap(slices_);
  std::size_t first = std::exchange(head_, 0);
  bytes_ = 0;
  for (; first < old.size(); ++first) {
    const Slice& slice = old[first];
    if (stays(slice)) {
      append(slice.block, slice.data, slice.size);
      continue;
    }
    copy_bytes(to, {slice.data, slice.size});
    if (slice.block != nullptr) Block::release(slice.block);
    Block::retain(block);
    append(block, to, slice.size);
    to += slice.size;
  }
  Block::release(block);
}

void Chain::clear() {
  while (head_ < slices_.size()) release_front();
  slices_.clear();
  pipe_.reset();
  head_ = 0;
  bytes_ = 0;
  below = 0;
}

void Chain::read(std::vector<std::byte>& into) const {
  for (std::size_t i = head_; i < slices_.size(); ++i) {
    into.insert(into.end(), slices_[i].data, slices_[i].data + slices_[i].size);
  }
}

}  // namespace weir
