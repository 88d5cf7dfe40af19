#include "standard_input.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

namespace weir::program {

StandardInput::StandardInput(InputTaker& taker) : taker_(taker) {
  if (pipe(wake_) != 0) {
    throw SetupError("cannot make a pipe: " + std::generic_category().message(errno),
                     SetupError::Kind::system);
  }
  for (const int end : wake_) fcntl(end, F_SETFD, FD_CLOEXEC);
}

StandardInput::~StandardInput() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  close(wake_[1]);
  if (thread_.joinable()) thread_.join();
  close(wake_[0]);
}

void StandardInput::start(ConnectionRef to) {
  to_ = std::move(to);
  thread_ = std::thread([this] { read_all(); });
}

void StandardInput::read_all() {
  std::string chunk;
  while (wait_for_room() && wait_for_input()) {
    chunk.resize(kChunk);
    const ssize_t got = read(STDIN_FILENO, chunk.data(), chunk.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return send_end(got < 0 ? errno : 0);
    chunk.resize(static_cast<std::size_t>(got));
    send(std::move(chunk));
  }
}

bool StandardInput::wait_for_room() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return room_ || stopping_; });
  return !stopping_;
}

// Always waits before it reads, so that the thread can be told to stop while nobody types.
bool StandardInput::wait_for_input() {
  pollfd watched[] = {{STDIN_FILENO, POLLIN, 0}, {wake_[0], POLLIN, 0}};
  while (poll(watched, 2, -1) < 0 && errno == EINTR) {
  }
  return watched[1].revents == 0;
}

// What is posted outlives neither the connection nor, with it, this object.
void StandardInput::send(std::string chunk) {
  set_room(false);
  to_.post([this, chunk = std::move(chunk)](Connection& to) {
    if (taker_.on_input(to, chunk) == Flow::open) set_room(true);
  });
}

void StandardInput::send_end(int error) {
  to_.post([this, error](Connection& to) { taker_.on_input_end(to, error); });
}

void StandardInput::set_room(bool room) {
  {
    const std::lock_guard lock(mutex_);
    room_ = room;
  }
  changed_.notify_one();
}

}  // namespace weir::program
