// The pipes that a loop's streams are spliced through: made when first needed, kept while empty,
// bounded in number.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "driver.hpp"

namespace weir {

class PipePool;

// Gives a lent pipe back where it came from.
struct PipeReturn {
  PipePool* pool = nullptr;
  WEIR_API void operator()(Pipe* pipe) const noexcept;
};

using LentPipe = std::unique_ptr<Pipe, PipeReturn>;

class PipePool {
 public:
  static constexpr std::uint64_t kRetryAfter = 1'000;  // Milliseconds after the system had none.

  PipePool(Driver& driver, std::size_t most) : driver_(driver), most_(most) {}

  // An empty pipe, or null: then bytes are copied.
  LentPipe take(std::uint64_t now);

 private:
  friend struct PipeReturn;

  Driver& driver_;
  const std::size_t most_;
  std::vector<std::unique_ptr<Pipe>> free_;
  std::size_t made_ = 0;  // Alive, here or lent.
  std::uint64_t retry_ = 0;
};

}  // namespace weir
