#include "page.hpp"

#include <cerrno>
#include <memory>
#include <system_error>

#include <sys/mman.h>

#include <weir/base.hpp>

namespace weir::load {

static_assert(std::atomic<Nanos>::is_always_lock_free);  // Locks would not be shared.

Pages::Pages(std::size_t count) {
  void* const at = ::mmap(nullptr, count * sizeof(Page), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) {
    throw SetupError("no memory to share with " + std::to_string(count) +
                         " agents: " + std::generic_category().message(errno),
                     SetupError::Kind::system);
  }
  auto* const first = static_cast<Page*>(at);
  std::uninitialized_value_construct_n(first, count);
  pages_ = {first, count};
}

Pages::~Pages() {
  std::destroy(pages_.begin(), pages_.end());
  ::munmap(pages_.data(), pages_.size_bytes());
}

}  // namespace weir::load
