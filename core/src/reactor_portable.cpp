#include <algorithm>
#include <new>
#include <utility>

#include "connection_core.hpp"
#include "reactor.hpp"

namespace weir {

namespace {

Reactor& reactor_of(void* handle) {
  return *static_cast<Reactor*>(static_cast<uv_handle_t*>(handle)->data);
}

int poll_mask(unsigned what) {
  return ((what & ready::kRead) != 0 ? UV_READABLE : 0) |
         ((what & ready::kWrite) != 0 ? UV_WRITABLE : 0);
}

}  // namespace

Reactor::Reactor(uv_loop_t& loop) : loop_(loop) {
  uv_async_init(&loop_, &wake_, [](uv_async_t* handle) {
    DriverOwner* const owner = reactor_of(handle).owner_;
    if (owner != nullptr) owner->on_wake();
  });
  uv_timer_init(&loop_, &alarm_);
  uv_prepare_init(&loop_, &prepare_);
  uv_idle_init(&loop_, &idle_);
  wake_.data = alarm_.data = prepare_.data = this;
  uv_prepare_start(&prepare_, [](uv_prepare_t* handle) { reactor_of(handle).turn_end(); });
}

void Reactor::finish() {
  void* const handles[] = {&wake_, &alarm_, &prepare_, &idle_};
  for (void* const handle : handles) uv_close(static_cast<uv_handle_t*>(handle), nullptr);
}

SteadyTime Reactor::now() const {
  return SteadyTime(Millis{static_cast<std::int64_t>(uv_now(&loop_))});
}

void Reactor::set_alarm(SteadyTime at) {
  const Millis left = std::max(at - now(), Millis{0});
  uv_timer_start(
      &alarm_,
      [](uv_timer_t* handle) {
        DriverOwner* const owner = reactor_of(handle).owner_;
        if (owner != nullptr) owner->on_alarm();
      },
      static_cast<std::uint64_t>(left.count()), 0);
}

void Reactor::turn_end() {
  if (owner_ == nullptr) return;
  if (owner_->on_turn_end()) {
    uv_idle_start(&idle_, [](uv_idle_t*) {});
  } else {
    uv_idle_stop(&idle_);
  }
}

Watch::Watch(Reactor& reactor, int socket, Told told, void* about)
    : told_(told), about_(about), poll_(new uv_poll_t) {
  uv_poll_init(&reactor.loop_, poll_, socket);
  poll_->data = this;
}

Watch::~Watch() {
  uv_close(reinterpret_cast<uv_handle_t*>(poll_),
           [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
}

void Watch::want(unsigned what) {
  if (what == ready::kNothing) {
    uv_poll_stop(poll_);
  } else {
    uv_poll_start(poll_, poll_mask(what), on_poll);
  }
}

void Watch::on_poll(uv_poll_t* handle, int, int) {
  const Watch& self = *static_cast<Watch*>(handle->data);
  self.told_(self.about_);
}

ReactorStream::ReactorStream(Reactor& reactor, int socket) : OwnSocket(socket) {
  uv_poll_init(&reactor.loop_, this, socket);
}

ConnectionCore& ReactorStream::owner() { return *(reinterpret_cast<ConnectionCore*>(this) - 1); }

void ReactorStream::want(unsigned what) {
  int mask = poll_mask(what);
  if (mask == 0) mask = UV_PRIORITIZED;
  if (mask == mask_) return;
  mask_ = mask;
  uv_poll_start(this, mask_, on_poll);
}

void ReactorStream::on_poll(uv_poll_t* handle, int status, int events) {
  if (status == 0 && events == UV_READABLE) {
    return static_cast<ReactorStream*>(handle)->owner().on_ready(ready::kRead);
  }
  static_cast<ReactorStream*>(handle)->on_event(status, events);
}

void ReactorStream::on_event(int status, int events) {
  unsigned what = 0;
  if (status < 0) {
    what = ready::kRead | ready::kError;
  } else {
    if ((events & UV_READABLE) != 0) what |= ready::kRead;
    if ((events & UV_WRITABLE) != 0) what |= ready::kWrite;
    if ((events & UV_PRIORITIZED) != 0) what |= ready::kError;
  }
  owner().on_ready(what);
  if (uv_is_closing(handle()) != 0) return;
  if (status < 0) {  // There was more to read before the error.
    uv_poll_start(this, mask_, on_poll);
  } else if ((events & UV_PRIORITIZED) != 0 && mask_ == UV_PRIORITIZED) {
    uv_poll_stop(this);  // Hung up without an error: it would be told again in every turn.
    mask_ = 0;
  }
}

void ReactorStream::close_handle() {
  uv_close(handle(), [](uv_handle_t* closed) {
    static_cast<ReactorStream*>(reinterpret_cast<uv_poll_t*>(closed))->owner().on_stream_gone();
  });
}

void ReactorStream::close(bool reset) {
  close_handle();
  close_socket(reset);
}

int ReactorStream::release() {
  close_handle();
  return take();
}

}  // namespace weir
