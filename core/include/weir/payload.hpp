// Bytes built once and written to many connections.
#pragma once

#include <weir/base.hpp>

namespace weir {

namespace detail {
struct Block;
}

// Immutable, shared, counted. Copying one copies no byte. It may be made, copied and dropped on any
// thread. Payloads made one after the other on one thread lie side by side in memory, so that a
// connection which is written several of them in a turn sends them in one piece.
class WEIR_API Payload {
 public:
  Payload() = default;
  explicit Payload(Bytes bytes);
  explicit Payload(std::string_view text) : Payload(as_bytes(text)) {}
  Payload(const Payload& other) noexcept;
  Payload(Payload&& other) noexcept;
  Payload& operator=(Payload other) noexcept;
  ~Payload();

  Bytes bytes() const;
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  friend class Chain;

  detail::Block* block_ = nullptr;
  std::uint32_t offset_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace weir
