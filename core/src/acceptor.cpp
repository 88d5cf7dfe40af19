#include "acceptor.hpp"

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include "connection_core.hpp"

namespace weir {

namespace {

// Nothing is wrong with the listener: this one connection went before it was taken.
bool is_of_one_connection(int error) {
  switch (error) {
    case ECONNABORTED:
    case EINTR:
    case EPERM:
    case EPROTO:
    case ENETDOWN:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EOPNOTSUPP:
      return true;
    default:
      return false;
  }
}

void add(std::atomic<std::uint64_t>& counter) { LoopCounters::add(counter); }

}  // namespace

Acceptor::Acceptor(int socket, std::vector<ServiceLoop*> services, unsigned descriptors_each,
                   const AcceptLimits& limits, AcceptCounters& counters,
                   std::shared_ptr<TlsSource> tls)
    : services_(std::move(services)),
      descriptors_each_(descriptors_each),
      limits_(limits),
      counters_(counters),
      tls_(std::move(tls)),
      socket_(services_.front()->core().driver().adopt_listener(socket, *this)) {}

void Acceptor::start() { socket_->want(true); }

void Acceptor::serve(std::vector<ServiceLoop*> services, unsigned descriptors_each,
                     std::shared_ptr<TlsSource> tls) {
  services_ = std::move(services);
  descriptors_each_ = descriptors_each;
  tls_ = std::move(tls);
}

void Acceptor::stop() {
  resume_.cancel();
  socket_.reset();
}

void Acceptor::on_acceptable() {
  for (int taken = 0; taken < kAcceptsPerTurn && socket_ != nullptr; ++taken) {
    if (!take_one()) return;
  }
}

// True: there may be more.
bool Acceptor::take_one() {
  const Accepted accepted = socket_->accept();
  if (accepted.socket < 0) {
    const int error = -accepted.socket;
    if (error == EAGAIN || error == EWOULDBLOCK) return false;
    if (is_of_one_connection(error)) return true;
    pause(error);
    return false;
  }
  pause_ = Millis{0};
  if (over_limit()) {
    add(counters_.refused_limit);
    socket_->discard(accepted.socket);
    tell("connection limit reached, " +
         std::to_string(counters_.refused_limit.load(std::memory_order_relaxed)) +
         " refused so far");
    return true;
  }
  add(counters_.accepted);
  hand_over(accepted);
  if (counters_.accepted.load(std::memory_order_relaxed) == limits_.accepts) limits_.enough();
  return true;
}

bool Acceptor::over_limit() const {
  std::size_t open = 0;
  for (ServiceLoop* const service : services_) open += service->core().load();
  if (limits_.connections > 0) return open + descriptors_each_ > limits_.connections;
  return open + descriptors_each_ > limits_.descriptors;
}

void Acceptor::hand_over(const Accepted& accepted) {
  ServiceLoop* const least = *std::min_element(
      services_.begin(), services_.end(),
      [](ServiceLoop* a, ServiceLoop* b) { return a->core().load() < b->core().load(); });
  LoopCore& core = least->core();
  core.reserve();
  if (least == services_.front()) {
    core.adopt(accepted.socket, accepted.peer, *least, tls_);
    return;
  }
  core.post([&core, least, accepted, tls = tls_]() mutable {
    core.adopt(accepted.socket, accepted.peer, *least, std::move(tls));
  });
}

// Out of descriptors or memory. Nothing is closed: the peers wait in the backlog until there is room.
void Acceptor::pause(int error) {
  add(counters_.errors);
  pause_ = pause_.count() == 0 ? kPauseFirst : std::min(pause_ * 2, kPauseMost);
  tell("cannot accept: " + std::generic_category().message(error) + "; pausing " +
       std::to_string(pause_.count()) + " ms");
  socket_->want(false);
  LoopCore& core = services_.front()->core();  // The service may be gone by then.
  resume_ = core.after(
      pause_, [this] { socket_->want(true); }, core.root());
}

void Acceptor::tell(std::string_view line) {
  const SteadyTime now = services_.front()->now();
  if (told_once_ && now - told_ < kLogEvery) return;
  told_once_ = true;
  told_ = now;
  services_.front()->log(Level::warn, line);
}

}  // namespace weir
