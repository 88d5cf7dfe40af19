#include <weir/server.hpp>

#include <algorithm>
#include <csignal>
#include <future>
#include <system_error>
#include <thread>

#include <sched.h>
#include <sys/resource.h>

#include <weir/text.hpp>

#include "acceptor.hpp"
#include "listener.hpp"
#include "log_sink.hpp"
#include "loop_core.hpp"
#include "option_readers.hpp"
#include "uv_driver.hpp"

namespace weir {

namespace {

constexpr unsigned kLoopsMost = 256;
constexpr std::size_t kPipesMost = 128;            // Two descriptors each: half of the reserve.
constexpr std::size_t kReservedDescriptors = 512;  // For logs, plugins, administration.

// The soft limit is a default of another age; the hard one is what the administrator means.
std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return 1'024;
  const rlimit raised{limit.rlim_max, limit.rlim_max};
  if (::setrlimit(RLIMIT_NOFILE, &raised) < 0) return static_cast<std::size_t>(limit.rlim_cur);
  return static_cast<std::size_t>(limit.rlim_max);
}

// Small limits keep a quarter in reserve, but at least 32, rather than more than they have.
std::size_t reserved_descriptors(std::size_t limit) {
  return std::min(kReservedDescriptors, std::max<std::size_t>(limit / 4, 32));
}

std::size_t connection_descriptors(std::size_t limit) {
  const std::size_t reserved = reserved_descriptors(limit);
  return limit > reserved ? limit - reserved : 1;
}

unsigned usable_cpus() {
#ifdef __linux__
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) {
    return static_cast<unsigned>(std::max(CPU_COUNT(&set), 1));
  }
#endif
  return std::max(std::thread::hardware_concurrency(), 1u);
}

struct RunningLoop {
  explicit RunningLoop(const LoopSettings& settings) : core(driver, settings) {}

  ~RunningLoop() { finish(); }
  RunningLoop(const RunningLoop&) = delete;
  RunningLoop& operator=(const RunningLoop&) = delete;

  // The loop turns no more. Connections that are left are told like any other: those of a server that
  // never ran, or opened by a task after the last one had gone.
  void finish() {
    core.abort_all(CloseReason::Code::stopping);
    core.on_turn_end();
    driver.finish();
  }

  UvDriver driver;
  LoopCore core;
  std::thread thread;
};

template <class F>
std::thread new_thread(F&& body) {
  try {
    return std::thread(std::forward<F>(body));
  } catch (const std::system_error& error) {
    throw SetupError(std::string("cannot start a thread: ") + error.what(),
                     SetupError::Kind::system);
  }
}

// Sizes and times that code sets are checked like those that users write.
void check(const ServiceType& type, const Limits& limits, const Timeouts& timeouts) {
  const auto bad = [&](const std::string& what) {
    throw SetupError(std::string(type.name) + ": " + what);
  };
  if (limits.write_low > limits.write_high) bad("write_low is above write_high");
  if (limits.write_high > limits.write_max) bad("write_high is above write_max");
  if (limits.write_high == 0) bad("write_high is 0, expected at least 1 byte");
  for (const Millis time :
       {timeouts.first_byte, timeouts.unfinished, timeouts.idle, timeouts.write_stall,
        timeouts.half_closed, timeouts.linger, timeouts.linger_total}) {
    if (time < Millis{0} || time > std::chrono::hours(24 * 24)) {
      bad("a timeout is " + std::to_string(time.count()) + " ms, expected 0 to 24 days");
    }
  }
}

struct ConfiguredService {
  std::shared_ptr<const ServiceConfig> config;
  unsigned descriptors = 1;
  std::vector<BoundSocket> sockets;
  std::vector<ServiceLoop*> on_loops;  // Filled when they are opened, in the loops' order.
};

}  // namespace

class Server::Body {
 public:
  explicit Body(ServerOptions options);

  void add(const ServiceType& type) { types_.push_back(type); }
  void listen(const Listen& service);
  std::vector<Bound> bound() const;
  int run();
  void stop();
  void abort();
  Loop& loop(std::size_t index) { return loops_.at(index)->core.root(); }
  Counters counters() const;

 private:
  const ServiceType& find(std::string_view name) const;
  void open_services(std::size_t index);
  std::exception_ptr start_loops();
  void accept();
  void watch_signals();
  void begin_stop();
  void begin_abort();
  void loop_gone();
  void stop_turning();
  void join_loops();

  ServerOptions options_;
  AcceptLimits limits_;
  AcceptCounters accepts_;
  std::vector<ServiceType> types_;
  std::vector<ConfiguredService> services_;
  std::vector<std::unique_ptr<RunningLoop>> loops_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  bool ran_ = false;
  bool stopping_ = false;       // Loop 0 only,
  std::size_t loops_gone_ = 0;  // like this.
};

Server::Body::Body(ServerOptions options) : options_(std::move(options)) {
  const unsigned loops = options_.loops == 0 ? usable_cpus() : options_.loops;
  if (loops > kLoopsMost) {
    throw SetupError("a server has 1 to 256 loops, not " + std::to_string(loops));
  }
  if (options_.drain < Millis{1} || options_.drain > std::chrono::hours(24 * 24)) {
    throw SetupError("the drain deadline must be from 1 ms to 24 days");
  }
  const std::size_t most = raise_descriptor_limit();
  limits_.descriptors = connection_descriptors(most);
  limits_.connections = options_.connections;
  if (limits_.connections > limits_.descriptors) {
    throw SetupError(std::to_string(limits_.connections) + " connections need " +
                         std::to_string(limits_.connections + kReservedDescriptors) +
                         " descriptors, and the hard limit leaves room for " +
                         std::to_string(limits_.descriptors) + " connections (ulimit -Hn)",
                     SetupError::Kind::system);
  }
  if (!options_.log) options_.log = standard_error_sink();
  if (options_.pipes_max > kPipesMost) {
    throw SetupError("a server has 0 to 128 pipes, not " + std::to_string(options_.pipes_max));
  }
  // Each loop has a share, and at least one if there are any.
  const std::size_t all = std::min(options_.pipes_max, reserved_descriptors(most) / 4);
  const std::size_t pipes = (all + loops - 1) / loops;
  const LoopSettings settings{options_.level, options_.log, options_.trace, pipes};
  for (unsigned i = 0; i < loops; ++i) loops_.push_back(std::make_unique<RunningLoop>(settings));
}

const ServiceType& Server::Body::find(std::string_view name) const {
  std::vector<std::string> names;
  for (const ServiceType& type : types_) {
    if (type.name == name) return type;
    names.emplace_back(type.name);
  }
  const std::string near = nearest(name, names);
  throw SetupError("there is no protocol \"" + escape(name) + "\"" +
                   (near.empty() ? "" : ", did you mean \"" + near + "\"?"));
}

void Server::Body::listen(const Listen& service) {
  const ServiceType& type = find(service.speak);
  check(type, service.limits, service.timeouts);
  auto config = std::make_shared<ServiceConfig>();
  config->name = type.name;
  config->limits = service.limits;
  config->timeouts = service.timeouts;
  config->protocol = make_protocol(type, service.options);
  ConfiguredService configured;
  configured.descriptors = type.descriptors_per_connection;
  for (const Url& url : service.at) {
    for (BoundSocket& socket : bind_url(url)) configured.sockets.push_back(std::move(socket));
  }
  std::vector<Url> at;
  for (const BoundSocket& socket : configured.sockets) {
    at.push_back(socket.url());
    config->at.push_back(socket.place());
  }
  config->protocol->listening(at);
  configured.config = std::move(config);
  services_.push_back(std::move(configured));
}

std::vector<Bound> Server::Body::bound() const {
  std::vector<Bound> all;
  for (const ConfiguredService& service : services_) {
    for (const BoundSocket& socket : service.sockets) {
      all.push_back({service.config->name, socket.url()});
    }
  }
  return all;
}

void Server::Body::open_services(std::size_t index) {
  for (ConfiguredService& service : services_) {
    service.on_loops[index] = &loops_[index]->core.open(service.config);
  }
}

// Every loop opens its services on its own thread and waits until all have, so that a service that
// cannot be opened stops the start before anything is accepted.
std::exception_ptr Server::Body::start_loops() {
  std::vector<std::future<void>> opened;
  for (std::size_t i = 1; i < loops_.size(); ++i) {
    auto promise = std::make_shared<std::promise<void>>();
    opened.push_back(promise->get_future());
    loops_[i]->thread = new_thread([this, i, promise] {
      try {
        open_services(i);
        promise->set_value();
      } catch (...) {
        promise->set_exception(std::current_exception());
      }
      loops_[i]->driver.run();
    });
  }
  std::exception_ptr failed;
  try {
    open_services(0);
  } catch (...) {
    failed = std::current_exception();
  }
  for (std::future<void>& one : opened) {
    try {
      one.get();
    } catch (...) {
      failed = std::current_exception();
    }
  }
  return failed;
}

void Server::Body::accept() {
  for (ConfiguredService& service : services_) {
    for (BoundSocket& socket : service.sockets) {
      acceptors_.push_back(std::make_unique<Acceptor>(socket.take(), service.on_loops,
                                                      service.descriptors, limits_, accepts_));
      acceptors_.back()->start();
    }
  }
  if (options_.on_ready) options_.on_ready();
}

void Server::Body::watch_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  loops_[0]->driver.on_signals({SIGTERM, SIGINT}, [this](int) { begin_stop(); });
}

int Server::Body::run() {
  if (std::exchange(ran_, true)) throw SetupError("a server runs once: make another one");
  for (ConfiguredService& service : services_) service.on_loops.resize(loops_.size());
  if (options_.signals) watch_signals();
  try {
    if (const std::exception_ptr failed = start_loops()) std::rethrow_exception(failed);
    accept();
    loops_[0]->driver.run();
  } catch (...) {
    acceptors_.clear();
    stop_turning();
    join_loops();
    throw;
  }
  join_loops();
  services_.clear();  // Removes the Unix sockets' nodes.
  std::uint64_t cut = 0;
  for (const auto& loop : loops_) cut += loop->core.counters().cut.load();
  return cut == 0 ? 0 : 1;
}

// Services go only when no loop turns any more: a task on one loop may post to the service of another
// until then.
void Server::Body::join_loops() {
  for (auto& loop : loops_) {
    if (loop->thread.joinable()) loop->thread.join();
  }
  for (auto& loop : loops_) loop->finish();
  for (auto& loop : loops_) loop->core.close_services();
}

void Server::Body::stop_turning() {
  for (auto& loop : loops_) {
    RunningLoop& each = *loop;
    each.core.post([&each] { each.driver.stop(); });
  }
}

// On loop 0.
void Server::Body::loop_gone() {
  if (++loops_gone_ == loops_.size()) stop_turning();
}

// On loop 0. Listeners close first; connections that other loops were already handed come before
// their drain in the order of posting.
void Server::Body::begin_stop() {
  if (stopping_) return begin_abort();
  stopping_ = true;
  for (auto& acceptor : acceptors_) acceptor->stop();
  for (auto& loop : loops_) {
    RunningLoop& each = *loop;
    each.core.post([this, &each] {
      each.core.drain(options_.drain, [this] { loops_[0]->core.post([this] { loop_gone(); }); });
    });
  }
}

void Server::Body::begin_abort() {
  if (!stopping_) begin_stop();
  for (auto& loop : loops_) {
    RunningLoop& each = *loop;
    each.core.post([&each] { each.core.abort_all(CloseReason::Code::stopping); });
  }
}

void Server::Body::stop() {
  loops_[0]->core.post([this] { begin_stop(); });
}

void Server::Body::abort() {
  loops_[0]->core.post([this] { begin_abort(); });
}

Counters Server::Body::counters() const {
  Counters sum;
  sum.accepted = accepts_.accepted.load(std::memory_order_relaxed);
  sum.refused_limit = accepts_.refused_limit.load(std::memory_order_relaxed);
  sum.accept_errors = accepts_.errors.load(std::memory_order_relaxed);
  for (const auto& loop : loops_) {
    loop->core.counters().add_to(sum);
    sum.connections += loop->core.load();
  }
  return sum;
}

Server::Server(ServerOptions options) : body_(std::make_unique<Body>(std::move(options))) {}

Server::Server(unsigned loops)
    : Server([loops] {
        ServerOptions options;
        options.loops = loops;
        return options;
      }()) {}

Server::~Server() = default;
void Server::add(const ServiceType& type) { body_->add(type); }
void Server::listen(const Listen& service) { body_->listen(service); }
std::vector<Bound> Server::bound() const { return body_->bound(); }
int Server::run() { return body_->run(); }
void Server::stop() { body_->stop(); }
void Server::abort() { body_->abort(); }
Loop& Server::loop(std::size_t index) { return body_->loop(index); }
Counters Server::counters() const { return body_->counters(); }

}  // namespace weir
