#include "mailbox.hpp"

#include "driver.hpp"

namespace weir {

namespace detail {

void Mailbox::post(Post post) {
  const std::lock_guard lock(mutex_);
  if (driver_ == nullptr) return;
  posts_.push_back(std::move(post));
  if (posts_.size() == 1) driver_->wake();
}

std::vector<Post> Mailbox::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(posts_, {});
}

void Mailbox::close() {
  std::vector<Post> rest;  // Destroyed outside the lock: a task's end may post.
  {
    const std::lock_guard lock(mutex_);
    driver_ = nullptr;
    rest.swap(posts_);
  }
}

}  // namespace detail

void ConnectionRef::post(Callback<Connection&> task) const {
  if (mailbox_ == nullptr) return;
  detail::Post post;
  post.on_connection = std::move(task);
  post.slot = slot_;
  post.id = id_;
  mailbox_->post(std::move(post));
}

}  // namespace weir
