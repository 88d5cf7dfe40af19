// The pipes that a loop's streams are spliced through: made when first needed, kept while empty,
// bounded in number.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "driver.hpp"

namespace weir {

class PipePool {
 public:
  static constexpr std::uint64_t kRetryAfter = 1'000;  // Milliseconds after the system had none.

  PipePool(Driver& driver, std::size_t most) : driver_(driver), most_(most) {}

  // An empty pipe, or null: then bytes are copied.
  std::unique_ptr<Pipe> take(std::uint64_t now);

  // One that still holds bytes is closed: nobody wants them any more.
  void give(std::unique_ptr<Pipe> pipe);

 private:
  Driver& driver_;
  const std::size_t most_;
  std::vector<std::unique_ptr<Pipe>> free_;
  std::size_t made_ = 0;  // Alive, here or lent.
  std::uint64_t retry_ = 0;
};

}  // namespace weir
