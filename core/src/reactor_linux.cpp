#include <algorithm>
#include <bit>
#include <cerrno>
#include <climits>
#include <cstring>
#include <new>
#include <string>

#include <sys/eventfd.h>
#include <unistd.h>

#include "connection_core.hpp"
#include "reactor.hpp"

namespace weir {

namespace {

// What an event is about: a stream's address, or one of these, or a watch's address with the bit.
constexpr std::uint64_t kNoStream = 1;
constexpr std::uint64_t kLibuv = 1;
constexpr std::uint64_t kWake = 3;
constexpr std::uint64_t kNobody = 5;

constexpr std::uint32_t epoll_mask(unsigned what) {
  return ((what & ready::kRead) != 0 ? std::uint32_t{EPOLLIN} : 0) |
         ((what & ready::kWrite) != 0 ? std::uint32_t{EPOLLOUT} : 0);
}

}  // namespace

Reactor::Reactor(uv_loop_t& loop) : loop_(loop) {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (epoll_ < 0 || wake_ < 0) {
    const std::string why = std::strerror(errno);
    if (epoll_ >= 0) ::close(epoll_);
    if (wake_ >= 0) ::close(wake_);
    throw SetupError("cannot make an event loop: " + why, SetupError::Kind::system);
  }
  uv_async_init(&loop_, &alive_, nullptr);
  control(EPOLL_CTL_ADD, uv_backend_fd(&loop_), EPOLLIN, kLibuv);
  control(EPOLL_CTL_ADD, wake_, EPOLLIN | EPOLLET, kWake);  // Told once a write: need not be read.
}

Reactor::~Reactor() {
  ::close(epoll_);
  ::close(wake_);
}

void Reactor::finish() {
  tell_gone();
  uv_close(reinterpret_cast<uv_handle_t*>(&alive_), nullptr);
}

SteadyTime Reactor::now() const {
  return SteadyTime(Millis{static_cast<std::int64_t>(uv_now(&loop_))});
}

void Reactor::wake() {
  if (!woken_.exchange(true)) ::eventfd_write(wake_, 1);
}

void Reactor::set_alarm(SteadyTime at) {
  alarm_ = at;
  armed_ = true;
}

int Reactor::left() const {
  if (!armed_) return -1;
  return static_cast<int>(
      std::clamp((alarm_ - now()).count(), std::int64_t{0}, std::int64_t{INT_MAX}));
}

void Reactor::run() {
  stopped_ = false;
  while (!stopped_) {
    uv_update_time(&loop_);
    tell_alarm();
    bool more = turn_end();
    if (!more && tell_gone()) more = turn_end();  // Something may have waited for them to be gone.
    const bool waits = !more && !stopped_ && !libuv_has_more_ && gone_ == nullptr;
    wait(waits ? left() : 0);
    for (told_ = 0; told_ < count_; ++told_) tell(events_[told_]);
    count_ = 0;
    // Behind the sockets: who had come before a signal to stop was sent is accepted before it stops.
    if (std::exchange(libuv_has_more_, false)) uv_run(&loop_, UV_RUN_NOWAIT);
    tell_gone();
  }
}

void Reactor::wait(int timeout) {
  const int count = ::epoll_wait(epoll_, events_.data(), kEventsAtOnce, timeout);
  count_ = static_cast<std::size_t>(std::max(count, 0));  // EINTR is none.
  uv_update_time(&loop_);
}

void Reactor::tell(const epoll_event& event) {
  const std::uint64_t about = event.data.u64;
  if ((about & kNoStream) != 0) return tell_special(about);
  std::bit_cast<ReactorStream*>(about)->on_event(event.events);
}

void Reactor::tell_special(std::uint64_t about) {
  if (about == kNobody) return;
  if (about == kLibuv) return libuv_has_more();
  if (about == kWake) {
    woken_.exchange(false);  // Before anybody looks for what the wake-up was for.
    if (owner_ != nullptr) owner_->on_wake();
    return;
  }
  const Watch& watch = *std::bit_cast<Watch*>(about & ~kNoStream);
  watch.told_(watch.about_);
}

void Reactor::tell_alarm() {
  if (!armed_ || now() < alarm_) return;
  armed_ = false;
  if (owner_ != nullptr) owner_->on_alarm();
}

bool Reactor::turn_end() { return owner_ != nullptr && owner_->on_turn_end(); }

bool Reactor::tell_gone() {
  if (gone_ == nullptr) return false;
  while (gone_ != nullptr) {
    ReactorStream& stream = *gone_;
    gone_ = stream.next_;
    stream.owner().on_stream_gone();
  }
  return true;
}

void Reactor::control(int operation, int socket, std::uint32_t events, std::uint64_t about) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = about;
  if (::epoll_ctl(epoll_, operation, socket, &event) < 0) throw std::bad_alloc();
}

void Reactor::drop(int socket) { ::epoll_ctl(epoll_, EPOLL_CTL_DEL, socket, nullptr); }

void Reactor::forget(std::uint64_t about) {
  for (std::size_t at = told_; at < count_; ++at) {
    if (events_[at].data.u64 == about) events_[at].data.u64 = kNobody;
  }
}

void Reactor::gone(ReactorStream& stream) {
  stream.next_ = gone_;
  gone_ = &stream;
}

Watch::Watch(Reactor& reactor, int socket, Told told, void* about)
    : reactor_(reactor), told_(told), about_(about), socket_(socket) {}

Watch::~Watch() { want(ready::kNothing); }

std::uint64_t Watch::name() const { return std::bit_cast<std::uint64_t>(this) | kNoStream; }

void Watch::want(unsigned what) {
  if (what == ready::kNothing && !watched_) return;
  const bool known = std::exchange(watched_, what != ready::kNothing);
  if (watched_) {
    return reactor_.control(known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket_, epoll_mask(what),
                            name());
  }
  reactor_.drop(socket_);
  reactor_.forget(name());
}

ConnectionCore& ReactorStream::owner() { return *(reinterpret_cast<ConnectionCore*>(this) - 1); }

std::uint64_t ReactorStream::name() const { return std::bit_cast<std::uint64_t>(this); }

void ReactorStream::want(unsigned what) {
  if (what == wanted_ && watched_) return;
  reactor_.control(watched_ ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket(), epoll_mask(what), name());
  watched_ = true;
  wanted_ = static_cast<std::uint8_t>(what);
}

void ReactorStream::on_event(std::uint32_t events) {
  if (!is_open()) return;
  if (events == EPOLLIN) return owner().on_ready(ready::kRead);
  on_rare_event(events);
}

void ReactorStream::on_rare_event(std::uint32_t events) {
  unsigned what = 0;
  if ((events & EPOLLERR) != 0) {
    what = ready::kRead | ready::kError;  // Not to write: reading tells more of what went wrong.
  } else if ((events & (EPOLLIN | EPOLLOUT)) != 0) {
    what = ((events & EPOLLIN) != 0 ? ready::kRead : 0) |
           ((events & EPOLLOUT) != 0 ? ready::kWrite : 0);
  } else {  // Hung up: the end for who reads, news for others.
    what = wanted_ != 0 ? unsigned{wanted_} : ready::kError;
  }
  const bool again_and_again = (events & (EPOLLHUP | EPOLLERR)) == EPOLLHUP && wanted_ == 0;
  if (again_and_again) unwatch();
  owner().on_ready(what);
}

void ReactorStream::unwatch() {
  if (!std::exchange(watched_, false)) return;
  reactor_.drop(socket());
  wanted_ = 0;
}

void ReactorStream::close(bool reset) {
  unwatch();  // Closing is not enough where a child of this process has the socket too.
  close_socket(reset);
  reactor_.gone(*this);
}

int ReactorStream::release() {
  unwatch();
  reactor_.gone(*this);
  return take();
}

}  // namespace weir
