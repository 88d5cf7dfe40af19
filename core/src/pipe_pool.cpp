#include "pipe_pool.hpp"

namespace weir {

// One that still holds bytes is closed: they must never reach another connection.
void PipeReturn::operator()(Pipe* pipe) const noexcept {
  std::unique_ptr<Pipe> back(pipe);
  if (back->held() > 0) {
    --pool->made_;
  } else {
    pool->free_.push_back(std::move(back));  // There is room: take() saw to it.
  }
}

LentPipe PipePool::take(std::uint64_t now) {
  if (!free_.empty()) {
    LentPipe pipe(free_.back().release(), {this});
    free_.pop_back();
    return pipe;
  }
  if (made_ >= most_ || now < retry_) return nullptr;
  free_.reserve(made_ + 1);
  LentPipe pipe(driver_.make_pipe().release(), {this});
  if (pipe == nullptr) {
    retry_ = now + kRetryAfter;
  } else {
    ++made_;
  }
  return pipe;
}

}  // namespace weir
