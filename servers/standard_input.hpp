// Standard input, read on a thread of its own: it may be a terminal, a pipe or a file, and what
// watches sockets refuses files.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string_view>
#include <thread>

#include <weir/connection.hpp>

namespace weir::program {

// Who takes the input, on the connection's loop.
class InputTaker {
 public:
  virtual Flow on_input(Connection&, std::string_view chunk) = 0;
  virtual void on_input_end(Connection&, int error) = 0;  // Once, last; error is 0 or errno.

 protected:
  ~InputTaker() = default;
};

// At most one chunk is under way: the next is read when the loop has taken the last and there is
// room for more. Used on the loop's thread; dies there, and then reads no more.
class StandardInput {
 public:
  static constexpr std::size_t kChunk = 64 << 10;  // Bytes; a pipe holds as much.

  explicit StandardInput(InputTaker& taker);
  ~StandardInput();
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;

  void start(ConnectionRef to);
  void on_drain() { set_room(true); }

 private:
  void read_all();
  bool wait_for_room();
  bool wait_for_input();
  void send(std::string chunk);
  void send_end(int error);
  void set_room(bool room);

  InputTaker& taker_;
  ConnectionRef to_;
  int wake_[2] = {-1, -1};  // A pipe that tells the thread to stop when it is closed.

  std::mutex mutex_;
  std::condition_variable changed_;
  bool room_ = true;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace weir::program
