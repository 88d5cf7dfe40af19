#include "sim_driver.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "connection_core.hpp"

namespace weir::testing {

namespace {

constexpr Millis kLateAnswer{2'000};

}  // namespace

SimStream::SimStream(SimDriver& driver, SimSocket& socket, ConnectionCore& owner)
    : driver_(driver), owner_(owner), number_(socket.number), index_(driver.streams_.size()) {
  socket.stream = this;
  driver.streams_.push_back(this);
}

SimStream::~SimStream() {
  if (number_ >= 0) close(true);
}

SimSocket& SimStream::socket() const { return *driver_.network_.find(number_); }

IoResult SimStream::receive(std::span<std::byte> into) {
  SimSocket& mine = socket();
  if (SimSocket* const far = driver_.network_.other(mine)) ++far->receives;
  return driver_.network_.receive(mine, into);
}

IoResult SimStream::send(const iovec* pieces, int count) {
  SimSocket& mine = socket();
  if (SimSocket* const far = driver_.network_.other(mine)) ++far->sends;
  return driver_.network_.send(mine, pieces, count);
}

IoResult SimPipe::take_back(std::span<std::byte> into) {
  const std::size_t size = std::min(into.size(), bytes_.size());
  std::memcpy(into.data(), bytes_.data(), size);
  bytes_.erase(0, size);
  return static_cast<IoResult>(size);
}

IoResult SimStream::splice_in(Pipe& pipe) {
  auto& into = static_cast<SimPipe&>(pipe);
  std::string bytes(into.capacity_, '\0');
  const IoResult got = receive(std::as_writable_bytes(std::span(bytes)));
  if (got > 0) into.bytes_.append(bytes, 0, static_cast<std::size_t>(got));
  return got;
}

IoResult SimStream::splice_out(Pipe& pipe) {
  auto& from = static_cast<SimPipe&>(pipe);
  const iovec piece{from.bytes_.data(), from.bytes_.size()};
  const IoResult sent = send(&piece, 1);
  if (sent > 0) from.bytes_.erase(0, static_cast<std::size_t>(sent));
  return sent;
}

int SimStream::shut_down() { return driver_.network_.shut_down(socket()); }

int SimStream::error() { return driver_.network_.take_error(socket()); }

Address SimStream::local() const { return socket().here; }

void SimStream::close(bool reset) {
  SimSocket& mine = socket();
  if (SimSocket* const far = driver_.network_.other(mine)) {
    far->reason = static_cast<ConnectionCore&>(owner_).reason();
  }
  driver_.remove(*this);
  driver_.network_.close(mine, reset);
}

int SimStream::release() {
  socket().stream = nullptr;
  const int number = number_;
  driver_.remove(*this);
  return number;
}

void SimStream::want(unsigned what) {
  want_ = what;
  told_ = false;
}

// As uv_poll tells it: a pending error is told in every turn, whatever is wanted, and as something to
// read; a hang-up without an error only to who wants nothing, and once.
unsigned SimStream::ready() const {
  const SimSocket& mine = socket();
  if (mine.error != 0) return ready::kRead | ready::kError;
  const unsigned what = driver_.network_.readiness(mine) & want_;
  const bool hung_up = mine.dead || (mine.shut && mine.fin);
  return want_ == 0 && hung_up && !told_ ? ready::kError : what;
}

SimListen::SimListen(SimDriver& driver, int number, ListenOwner& owner)
    : driver_(driver), owner_(owner), number_(number) {
  driver_.listeners_.push_back(this);
}

SimListen::~SimListen() {
  std::erase(driver_.listeners_, this);
  driver_.network_.stop_listening(number_);
}

Accepted SimListen::accept() {
  return driver_.network_.accept(*driver_.network_.listener(number_));
}

void SimListen::discard(int socket) {
  driver_.network_.close(*driver_.network_.find(socket), false);
}

bool SimListen::ready() const {
  return want_ && !driver_.network_.listener(number_)->backlog.empty();
}

SocketStream& SimDriver::adopt(int socket, void* memory, ConnectionCore& owner) {
  return *new (memory) SimStream(*this, *network_.find(socket), owner);
}

std::unique_ptr<ListenSocket> SimDriver::adopt_listener(int socket, ListenOwner& owner) {
  return std::make_unique<SimListen>(*this, socket, owner);
}

namespace {

// Its owner is told only while it lives; the network makes the connection at that very moment.
class SimDial final : public Dial {
 public:
  explicit SimDial(std::shared_ptr<DialOwner*> owner) : owner_(std::move(owner)) {}
  ~SimDial() override { *owner_ = nullptr; }

 private:
  std::shared_ptr<DialOwner*> owner_;
};

}  // namespace

DialResult SimDriver::dial(const Url& url, const Address& address, DialOwner& owner) {
  std::string key = SimNetwork::key_of(url, address);
  if (const int error = network_.dial_at_once(key)) return {nullptr, error};
  const auto listening = std::make_shared<DialOwner*>(&owner);
  answer(Millis{0}, [this, listening, key = std::move(key), address] {
    if (*listening == nullptr) return;
    const std::optional<int> result = network_.dial(key, address);
    if (result) (*listening)->on_dialled(*result);
  });
  return {std::make_unique<SimDial>(listening), 0};
}

std::unique_ptr<Pipe> SimDriver::make_pipe() {
  if (network_.pipe_size() == 0) return nullptr;
  return std::make_unique<SimPipe>(network_.pipe_size());
}

void SimDriver::resolve(std::string host, Resolved answered) {
  network_.looked_up();
  const auto found = network_.names().find(host.empty() ? "localhost" : host);
  Resolution result;
  Millis delay{0};
  if (found != network_.names().end()) {
    result = {found->second.addresses, found->second.error};
    delay = found->second.delay;
  } else {
    result.error = "Name or service not known";
  }
  if (network_.chance(network_.faults().resolve)) {
    if (network_.random() % 2 == 0)
      delay += kLateAnswer;
    else
      result = {{}, "Temporary failure in name resolution"};
  }
  answer(delay, [answered = std::move(answered), result = std::move(result)]() mutable {
    answered(result);
  });
}

void SimDriver::work(Task blocking, Task then) {
  answer(Millis{0}, [this, blocking = std::move(blocking), then = std::move(then)]() mutable {
    try {
      blocking();
    } catch (...) {  // As in the product, `then` runs all the same.
    }
    answer(Millis{0}, std::move(then));
  });
}

void SimDriver::run() {
  while (!stopped_ && busy()) turn();
}

bool SimDriver::busy() const {
  if (again_ || !closing_.empty() || woken_.load(std::memory_order_acquire)) return true;
  if (alarm_ && *alarm_ <= now()) return true;
  const auto due = [this](const Answer& one) { return one.at <= now(); };
  const auto ready = [](const auto* one) { return one->ready() != 0; };
  return std::any_of(answers_.begin(), answers_.end(), due) ||
         std::any_of(streams_.begin(), streams_.end(), ready) ||
         std::any_of(listeners_.begin(), listeners_.end(), ready);
}

std::optional<SteadyTime> SimDriver::next() const {
  std::optional<SteadyTime> next = alarm_;
  for (const Answer& one : answers_) next = next ? std::min(*next, one.at) : one.at;
  return next;
}

// What is ready is looked at once, as poll does; what comes up meanwhile waits for the next turn.
void SimDriver::collect() {
  const Faults& faults = network_.faults();
  if (woken_.exchange(false, std::memory_order_acq_rel)) events_.push_back({Event::Kind::wake});
  for (SimStream* const stream : streams_) {
    const bool spurious = stream->want_ != 0 && network_.chance(faults.spurious);
    if (!spurious && stream->ready() == 0) continue;
    if (network_.chance(faults.late)) continue;
    events_.push_back({Event::Kind::stream, stream->number_, stream});
  }
  for (SimListen* const listener : listeners_) {
    if (listener->ready()) events_.push_back({Event::Kind::listener, 0, nullptr, listener});
  }
  for (std::size_t i = 0; i < answers_.size();) {
    if (answers_[i].at > now()) {
      ++i;
      continue;
    }
    events_.push_back({Event::Kind::answer, 0, nullptr, nullptr, std::move(answers_[i].task)});
    answers_.erase(answers_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  for (std::size_t i = events_.size(); i > 1; --i) {
    std::swap(events_[i - 1], events_[network_.below(i)]);
  }
}

void SimDriver::dispatch(Event& event) {
  switch (event.kind) {
    case Event::Kind::wake:
      return owner_->on_wake();
    case Event::Kind::answer:
      return event.answer();
    case Event::Kind::listener:
      if (std::find(listeners_.begin(), listeners_.end(), event.listener) != listeners_.end()) {
        event.listener->owner().on_acceptable();
      }
      return;
    case Event::Kind::stream: {
      SimSocket* const socket = network_.find(event.number);
      if (socket == nullptr || socket->stream != event.stream) return;  // Closed by another event.
      unsigned what = event.stream->ready();
      if (what == 0 && network_.faults().spurious != 0) what = event.stream->want_;
      event.stream->told_ = (what & ready::kError) != 0;
      if (what != 0) event.stream->owner().on_ready(what);
      return;
    }
  }
}

void SimDriver::turn() {
  ++turns_;
  again_ = false;
  network_.read_peers();
  collect();
  for (Event& event : events_) dispatch(event);
  events_.clear();

  gone_.swap(closing_);
  for (ConnectionCore* const owner : gone_) owner->on_stream_gone();
  gone_.clear();

  if (alarm_ && *alarm_ <= now()) {
    alarm_.reset();
    owner_->on_alarm();
  }
  again_ = owner_->on_turn_end();
}

void SimDriver::remove(SimStream& stream) {
  streams_.back()->index_ = stream.index_;
  streams_[stream.index_] = streams_.back();
  streams_.pop_back();
  stream.number_ = -1;
  closing_.push_back(&stream.owner_);
}

}  // namespace weir::testing
