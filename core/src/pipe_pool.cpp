#include "pipe_pool.hpp"

namespace weir {

std::unique_ptr<Pipe> PipePool::take(std::uint64_t now) {
  if (!free_.empty()) {
    std::unique_ptr<Pipe> pipe = std::move(free_.back());
    free_.pop_back();
    return pipe;
  }
  if (made_ >= most_ || now < retry_) return nullptr;
  free_.reserve(made_ + 1);  // So that giving it back cannot fail.
  std::unique_ptr<Pipe> pipe = driver_.make_pipe();
  if (pipe == nullptr) {
    retry_ = now + kRetryAfter;
  } else {
    ++made_;
  }
  return pipe;
}

void PipePool::give(std::unique_ptr<Pipe> pipe) {
  if (pipe->held() > 0) {
    --made_;
    return;
  }
  free_.push_back(std::move(pipe));
}

}  // namespace weir
