#include <weir/server.hpp>

#include <algorithm>
#include <csignal>
#include <future>
#include <system_error>

#include <sched.h>
#include <sys/resource.h>

#include <weir/text.hpp>

#include "option_readers.hpp"
#include "server_body.hpp"

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

template <class F>
std::thread new_thread(F&& body) {
  try {
    return std::thread(std::forward<F>(body));
  } catch (const std::system_error& error) {
    throw SetupError(std::string("cannot start a thread: ") + error.what(),
                     SetupError::Kind::system);
  }
}

}  // namespace

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
  limits_.accepts = options_.accepts;
  limits_.enough = [this] { stop_once_idle(); };
  if (limits_.connections > limits_.descriptors) {
    throw SetupError(std::to_string(limits_.connections) + " connections need " +
                         std::to_string(limits_.connections + kReservedDescriptors) +
                         " descriptors, and the hard limit leaves room for " +
                         std::to_string(limits_.descriptors) + " connections (ulimit -Hn)",
                     SetupError::Kind::system);
  }
  if (!options_.log || !options_.print) {
    writer_ = std::make_shared<LogWriter>(options_.log_file, options_.log_json);
  }
  if (!options_.log) options_.log = writer_->log_sink();
  if (!options_.print) options_.print = writer_->print_sink();
  if (options_.pipes_max > kPipesMost) {
    throw SetupError("a server has 0 to 128 pipes, not " + std::to_string(options_.pipes_max));
  }
  // Each loop has a share, and at least one if there are any.
  const std::size_t all = std::min(options_.pipes_max, reserved_descriptors(most) / 4);
  const std::size_t pipes = (all + loops - 1) / loops;
  const LoopSettings settings{options_.level, options_.log,        options_.print,
                              options_.trace, options_.access_log, pipes};
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
  check_numbers(type, service.limits, service.timeouts);
  const auto config = config_of(type, service);
  config->protocol = make_protocol(type, service.options);
  const auto made =
      std::make_shared<ConfiguredService>(ConfiguredService{type, service.options, config});
  std::vector<Listening> sockets = bind_all(service.at, keys_of(service.at));
  std::vector<Url> at;
  for (Listening& each : sockets) {
    at.push_back(each.socket.url());
    config->at.push_back(each.place);
    config->listeners.push_back(each.socket.url().text());
    each.service = made;
  }
  config->protocol->listening(at);
  services_.push_back(made);
  const std::lock_guard lock(bound_mutex_);
  for (Listening& each : sockets) {
    bound_.push_back({type.name, each.socket.url()});
    listening_.push_back(std::move(each));
  }
}

std::vector<Bound> Server::Body::bound() const {
  const std::lock_guard lock(bound_mutex_);
  return bound_;
}

void Server::Body::open_services(std::size_t index) {
  for (const auto& service : services_) {
    service->on_loops[index] = &loops_[index]->core.open(service->config);
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
  for (Listening& listening : listening_) accept(listening);
  if (options_.on_ready) options_.on_ready();
}

void Server::Body::accept(Listening& listening) {
  const ConfiguredService& service = *listening.service;
  listening.acceptor = std::make_unique<Acceptor>(listening.socket.take(), service.on_loops,
                                                  service.type.descriptors_per_connection, limits_,
                                                  accepts_, listening.tls);
  if (listening.tls != nullptr) tell_certificates(listening.socket.url(), *listening.tls);
  listening.acceptor->start();
}

void Server::Body::watch_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  const auto told = [this](int signal) { on_signal(signal); };
  // Who started it with nohup wants it to outlive the terminal.
  struct sigaction before {};
  const bool ignored = ::sigaction(SIGHUP, nullptr, &before) == 0 && before.sa_handler == SIG_IGN;
  if (ignored && !options_.on_reload) {
    loops_[0]->driver.on_signals({SIGTERM, SIGINT, SIGUSR1}, told);
  } else {
    loops_[0]->driver.on_signals({SIGTERM, SIGINT, SIGUSR1, SIGHUP}, told);
  }
}

void Server::Body::on_signal(int signal) {
  if (signal == SIGHUP && options_.on_reload) return begin_reload();
  if (signal != SIGUSR1) return begin_stop();
  if (writer_ == nullptr || options_.log_file.empty()) {
    return log(Level::info, "there is no log file to open again");
  }
  writer_->reopen();
  log(Level::info, "the log goes on here");
}

int Server::Body::run() {
  if (std::exchange(ran_, true)) throw SetupError("a server runs once: make another one");
  for (const auto& service : services_) service->on_loops.resize(loops_.size());
  if (options_.signals) watch_signals();
  try {
    if (const std::exception_ptr failed = start_loops()) std::rethrow_exception(failed);
    accept();
    loops_[0]->driver.run();
  } catch (...) {
    for (Listening& each : listening_) each.acceptor.reset();
    stop_turning();
    join_loops();
    throw;
  }
  join_loops();
  listening_.clear();  // Removes the Unix sockets' nodes.
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
  // With the loop its handlers go; what reloads or rotates must not kill a server that is leaving.
  const auto ignore_late = [this] {
    for (const int signal : {SIGHUP, SIGUSR1}) {
      if (options_.signals) std::signal(signal, SIG_IGN);
    }
  };
  ignore_late();
  for (auto& loop : loops_) loop->finish();
  ignore_late();
  for (auto& loop : loops_) loop->core.close_services();
}

void Server::Body::stop_turning() {
  for (auto& loop : loops_) {
    RunningLoop& each = *loop;
    each.core.post([&each] { each.driver.stop(); });
  }
}

// On loop 0, like all that follows.
void Server::Body::loop_gone() {
  if (++loops_gone_ == loops_.size()) stop_turning();
}

// On loop 0. Listeners close first; connections that other loops were already handed come before
// their drain in the order of posting.
void Server::Body::begin_stop() {
  if (stopping_) return begin_abort();
  stopping_ = true;
  stop_accepting();
  for (auto& loop : loops_) {
    RunningLoop& each = *loop;
    each.core.post([this, &each] {
      each.core.drain(options_.drain, [this] { loops_[0]->core.post([this] { loop_gone(); }); });
    });
  }
}

void Server::Body::stop_accepting() {
  for (Listening& each : listening_) {
    if (each.acceptor != nullptr) each.acceptor->stop();
  }
}

// No more is accepted; what there is ends in its own time.
void Server::Body::stop_once_idle() {
  stop_accepting();
  const auto left = std::make_shared<std::size_t>(loops_.size());
  for (auto& loop : loops_) {
    RunningLoop& each = *loop;
    each.core.post([this, &each, left] {
      each.core.when_idle([this, left] {
        loops_[0]->core.post([this, left] {
          if (--*left == 0 && !stopping_) begin_stop();
        });
      });
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

void Server::Body::reload() {
  loops_[0]->core.post([this] { begin_reload(); });
}

Counters Server::Body::counters() const {
  Counters sum;
  sum.accepted = accepts_.accepted.load(std::memory_order_relaxed);
  sum.refused_limit = accepts_.refused_limit.load(std::memory_order_relaxed);
  sum.accept_errors = accepts_.errors.load(std::memory_order_relaxed);
  if (writer_ != nullptr) sum.log_dropped = writer_->dropped();
  for (const auto& loop : loops_) {
    loop->core.counters().add_to(sum);
    sum.connections += loop->core.load();
  }
  return sum;
}

Timeouts timeouts_for(const ServiceType& type) {
  Timeouts timeouts;
  if (type.waits) timeouts.idle = Millis{0};
  return timeouts;
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
void Server::reload() { body_->reload(); }
Loop& Server::loop(std::size_t index) { return body_->loop(index); }
Counters Server::counters() const { return body_->counters(); }

}  // namespace weir
