// What other threads post to a loop.
#pragma once

#include <mutex>
#include <vector>

#include <weir/connection.hpp>

namespace weir {

class Driver;
class LoopCore;
class ServiceLoop;

namespace detail {

// One post: for the loop on behalf of a service, or for one connection.
struct Post {
  Task task;
  ServiceLoop* service = nullptr;
  Callback<Connection&> on_connection = {};
  std::uint32_t slot = 0;
  std::uint64_t id = 0;
};

// Shared with every ConnectionRef, so that it may outlive the loop; posts to a loop that is gone are
// dropped.
class Mailbox {
 public:
  explicit Mailbox(Driver& driver) : driver_(&driver) {}

  void post(Post post);      // Any thread.
  std::vector<Post> take();  // The loop: everything posted so far, in order.
  void close();              // The loop is gone; what is left is destroyed.

 private:
  std::mutex mutex_;
  Driver* driver_;
  std::vector<Post> posts_;
};

}  // namespace detail
}  // namespace weir
