#include "loop_core.hpp"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <new>

#include <weir/text.hpp>

#include "connection_core.hpp"
#include "timer_entry.hpp"
#include "tls_engine.hpp"

namespace weir {

namespace {

std::shared_ptr<const ServiceConfig> root_config() {
  auto config = std::make_shared<ServiceConfig>();
  config->name = "weir";
  config->timeouts.idle = Millis{0};  // A client waits as long as its user does.
  config->timeouts.half_closed = Millis{0};
  config->timeouts.unfinished = Millis{0};
  return config;
}

}  // namespace

void LoopCounters::add_to(Counters& sum) const {
  const auto add = [](std::uint64_t& to, const std::atomic<std::uint64_t>& from) {
    to += from.load(std::memory_order_relaxed);
  };
  add(sum.refused_service, refused_service);
  add(sum.closed, closed);
  add(sum.exceptions, exceptions);
  add(sum.bytes_in, bytes_in);
  add(sum.bytes_out, bytes_out);
  add(sum.spliced, spliced);
  add(sum.connect_refused, connect_refused);
  add(sum.connect_timeout, connect_timeout);
  add(sum.unresolved, unresolved);
  add(sum.no_local_port, no_local_port);
  add(sum.handshakes, handshakes);
  add(sum.handshakes_failed, handshakes_failed);
}

LoopCore::LoopCore(Driver& driver, LoopSettings settings)
    : driver_(driver),
      settings_(std::move(settings)),
      mailbox_(std::make_shared<detail::Mailbox>(driver)),
      began_(driver.now()),
      pipes_(driver, settings_.pipes) {
  driver_.attach(*this);
  root_ = std::make_unique<ServiceLoop>(*this, root_config());
}

LoopCore::~LoopCore() { mailbox_->close(); }

void LoopCore::learn_tick() const {
  tick_ = static_cast<std::uint64_t>((driver_.now() - began_).count());
  tick_known_ = true;
}

ServiceLoop& LoopCore::open(std::shared_ptr<const ServiceConfig> config) {
  ServiceLoop& service = services_.emplace_back(*this, std::move(config));
  try {
    service.open();
  } catch (...) {
    services_.pop_back();
    throw;
  }
  return service;
}

ServiceLoop& LoopCore::host(Service& service, std::shared_ptr<const ServiceConfig> config) {
  ServiceLoop& hosted = services_.emplace_back(*this, std::move(config));
  hosted.use(service);
  return hosted;
}

TlsEngine& LoopCore::tls() {
  if (tls_ == nullptr) tls_ = std::make_unique<TlsEngine>(*this);
  return *tls_;
}

ConnectionCore* LoopCore::adopt(int socket, const Address& peer, ServiceLoop& service,
                                std::shared_ptr<TlsSource> tls) {
  ConnectionCore* const connection = ConnectionCore::make(service, peer);
  if (!connection->accept(socket, std::move(tls))) return nullptr;
  if (aborting_) connection->cut(CloseReason::Code::stopping);
  return connection;
}

std::unique_ptr<Frozen> LoopCore::freeze(ConnectionCore& connection) { return connection.freeze(); }

ConnectionCore* LoopCore::thaw(std::unique_ptr<Frozen> frozen, ServiceLoop& service) {
  reserve();
  ConnectionCore* const connection = ConnectionCore::make(service, frozen->peer);
  return connection->thaw(*frozen) ? connection : nullptr;
}

void LoopCore::for_each(const std::function<void(ConnectionCore&)>& visit) {
  for (std::size_t i = 0; i < slots_.size(); ++i) {  // Visiting may add slots.
    if (slots_[i] != nullptr) visit(*slots_[i]);
  }
}

void LoopCore::drain(Millis deadline, Task gone) {
  if (draining_) return;
  draining_ = true;
  gone_ = std::move(gone);
  drain_deadline_ = after(
      deadline, [this] { abort_all(CloseReason::Code::stopping); }, *root_);
  for (ServiceLoop& service : services_) stop_service(service);
  for_each([](ConnectionCore& connection) { connection.stop(); });
  driver_.wake();  // So that a turn ends even with nothing to do.
}

// From here on nothing new begins either: what on_close opened would outlive every deadline.
void LoopCore::abort_all(CloseReason::Code code) {
  aborting_ = true;
  for_each([this, code](ConnectionCore& connection) {
    connection.cut(code);
    LoopCounters::add(counters_.cut);
  });
  driver_.wake();
}

void LoopCore::close_services() {
  retiring_.clear();
  services_.clear();
}

void LoopCore::retire(ServiceLoop& service, Millis deadline, Task gone) {
  Retiring& entry = retiring_.emplace_back(Retiring{&service, {}, std::move(gone)});
  if (deadline.count() > 0) {
    const auto of_service = [&service](ConnectionCore& c) { return &c.loop() == &service; };
    entry.deadline = after(
        deadline,
        [this, of_service] {
          for_each([&](ConnectionCore& connection) {
            if (of_service(connection)) connection.cut(CloseReason::Code::stopping);
          });
        },
        *root_);
    stop_service(service);
    for_each([&](ConnectionCore& connection) {
      if (of_service(connection)) connection.stop();
    });
  }
  driver_.wake();  // So that a turn ends even with nothing to do.
}

void LoopCore::shut(ServiceLoop& service) { service.shut(); }

void LoopCore::forget(ServiceLoop& service) {
  services_.remove_if([&](const ServiceLoop& each) { return &each == &service; });
}

void LoopCore::reconfigure(ServiceLoop& service, std::shared_ptr<const ServiceConfig> config) {
  const Millis idle_before = service.config().timeouts.idle;
  service.set(std::move(config));
  for_each([&](ConnectionCore& connection) {
    if (&connection.loop() == &service) connection.reconfigured(idle_before);
  });
}

void LoopCore::set(Level level, bool access_log) {
  settings_.level = level;
  settings_.access_log = access_log;
}

void LoopCore::when_idle(Task task) {
  idle_ = std::move(task);
  driver_.wake();
}

// Once, though a service that is retiring may see the server stop as well.
void LoopCore::stop_service(ServiceLoop& service) {
  if (service.service() == nullptr || service.draining()) return;
  service.drain();
  Task stop = [&service] { service.service()->on_stop(); };
  run_task(stop, &service, "on_stop");
}

void LoopCore::grow_read_buffer(std::size_t size) {
  buffer_size_ = 0;
  buffer_ = std::make_unique_for_overwrite<std::byte[]>(size);
  buffer_size_ = size;
}

Chain* LoopCore::lend_chain() {
  if (chains_.empty()) return new Chain;
  Chain* const chain = chains_.back().release();
  chains_.pop_back();
  return chain;
}

// Keeps as many as a payload for a large room needs at once; about 100 bytes each.
void LoopCore::return_chain(Chain* chain) {
  constexpr std::size_t kept = 1'024;
  std::unique_ptr<Chain> back(chain);
  if (chains_.size() < kept) chains_.push_back(std::move(back));
}

void LoopCore::file(WheelNode& node, std::uint64_t tick) {
  wheel_.file(node, tick);
  if (!alarm_ || tick < *alarm_) {
    alarm_ = tick;
    driver_.set_alarm(began_ + Millis{static_cast<std::int64_t>(tick)});
  }
}

void LoopCore::set_alarm() {
  alarm_ = wheel_.next_tick();
  if (alarm_) {
    driver_.set_alarm(began_ + Millis{static_cast<std::int64_t>(*alarm_)});
  } else {
    driver_.clear_alarm();
  }
}

Timer LoopCore::after(Millis delay, Task task, ServiceLoop& service) {
  const auto wait = static_cast<std::uint64_t>(std::max<Millis::rep>(delay.count(), 0));
  const std::uint64_t due = tick() + std::min<std::uint64_t>(wait, UINT64_MAX / 4);
  Timer timer(new detail::TimerEntry(due, std::move(task), service));
  file(*timer.entry(), due);
  return timer;
}

void LoopCore::on_alarm() {
  tick_known_ = false;  // The driver's time has moved on since the turn ended.
  alarm_.reset();
  run_due();
  set_alarm();
}

void LoopCore::run_due() {
  const std::uint64_t now = tick();
  while (WheelNode* const node = wheel_.take_due(now)) {
    if (node->kind == WheelNode::Kind::connection) {
      static_cast<ConnectionCore*>(node)->on_due();
      continue;
    }
    auto* const entry = static_cast<detail::TimerEntry*>(node);
    if (entry->due > now) {
      wheel_.file(*entry, entry->due);
      continue;
    }
    Task task = std::move(entry->task);  // The timer may die in its own task.
    run_task(task, entry->service, "a timer");
  }
}

std::uint32_t LoopCore::take_slot(ConnectionCore& connection) {
  if (free_slots_.empty()) {
    slots_.push_back(&connection);
    return static_cast<std::uint32_t>(slots_.size() - 1);
  }
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  slots_[slot] = &connection;
  return slot;
}

void LoopCore::free_slot(std::uint32_t slot) {
  slots_[slot] = nullptr;
  free_slots_.push_back(slot);
}

ConnectionCore* LoopCore::find(std::uint32_t slot, std::uint64_t id) {
  if (slot >= slots_.size() || slots_[slot] == nullptr) return nullptr;
  return slots_[slot]->id() == id ? slots_[slot] : nullptr;
}

std::uint64_t LoopCore::next_id() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

void LoopCore::left(ConnectionCore& connection) {
  LoopCounters::add(counters_.closed);
  LoopCounters::add(counters_.bytes_in, connection.bytes_in());
  LoopCounters::add(counters_.bytes_out, connection.bytes_out());
  free_slot(connection.slot());
  connections_.fetch_sub(1, std::memory_order_relaxed);
}

void LoopCore::count_failed_connect(CloseReason::Code code) {
  switch (code) {
    case CloseReason::Code::connect_refused:
      return LoopCounters::add(counters_.connect_refused);
    case CloseReason::Code::connect_timeout:
      return LoopCounters::add(counters_.connect_timeout);
    case CloseReason::Code::unresolved:
      return LoopCounters::add(counters_.unresolved);
    case CloseReason::Code::no_local_port:
      return LoopCounters::add(counters_.no_local_port);
    default:
      return;
  }
}

void LoopCore::forget(ConnectionCore& connection) {
  std::erase(agenda_, &connection);
  std::erase(next_agenda_, &connection);
  std::replace(settling_.begin(), settling_.end(), &connection,
               static_cast<ConnectionCore*>(nullptr));
  connection.forget_agenda();
}

void LoopCore::log(Level level, std::string_view who, std::string_view line,
                   const ConnectionEnd* ended) {
  const bool asked_for = ended != nullptr && settings_.access_log;  // Whatever the level.
  if (!settings_.log || (!asked_for && !logs(level))) return;
  tell(level, who, escape(line, 1'024), ended);
}

void LoopCore::tell(Level level, std::string_view who, std::string_view text,
                    const ConnectionEnd* ended) {
  const bool asked_for = ended != nullptr && settings_.access_log;
  if (!settings_.log || (!asked_for && !logs(level))) return;
  try {
    settings_.log({level, who, text, ended});
  } catch (...) {  // A log that throws must not take the server with it.
    LoopCounters::add(counters_.exceptions);
  }
}

void LoopCore::print(std::string_view line) {
  if (!settings_.print) return;
  try {
    settings_.print(line);
  } catch (...) {
    LoopCounters::add(counters_.exceptions);
  }
}

void LoopCore::threw(const ServiceLoop* service, std::string_view what) {
  LoopCounters::add(counters_.exceptions);
  std::string why = "something that is not a std::exception";
  try {
    throw;
  } catch (const std::exception& error) {
    why = error.what();
  } catch (...) {
  }
  log(Level::error, service == nullptr ? "weir" : service->config().name,
      std::string(what) + " threw: " + why);
}

void LoopCore::run_task(Task& task, const ServiceLoop* service, std::string_view what) {
  try {
    task();
  } catch (...) {
    threw(service, what);
  }
}

void LoopCore::on_wake() { run_posts(); }

void LoopCore::run_posts() {
  more_posts_ = false;
  for (; posts_left_ > 0; --posts_left_) {
    if (next_post_ == posts_.size()) {
      posts_ = mailbox_->take();
      next_post_ = 0;
      if (posts_.empty()) return;
    }
    detail::Post post = std::move(posts_[next_post_++]);
    run_post(post);
  }
  more_posts_ = true;  // Perhaps: the mailbox's wake-up may have come while the turn was full.
}

void LoopCore::run_post(detail::Post& post) {
  if (!post.on_connection) {
    if (post.service != nullptr && post.service->is_shut()) return;
    return run_task(post.task, post.service, "a posted task");
  }
  ConnectionCore* const connection = find(post.slot, post.id);
  if (connection != nullptr) connection->on_post(post.on_connection);
}

// Before a large fan-out is sent, one look at what else has come: who speaks at the same time as others
// is heard in the same system calls. The look costs one, and waits for nothing.
bool LoopCore::looks_first() {
  const bool large = agenda_.size() >= kFanOut && !draining_ && !aborting_;
  looked_ = large && !looked_;
  return looked_;
}

bool LoopCore::on_turn_end() {
  if (looks_first()) return true;
  if (more_posts_) run_posts();  // Left over from the turn before.
  agenda_.insert(agenda_.end(), next_agenda_.begin(), next_agenda_.end());
  next_agenda_.clear();
  for (int round = 0; round < kRoundsPerTurn && !agenda_.empty(); ++round) settle_agenda();
  clear_graves();
  ++turn_;
  tick_known_ = false;
  posts_left_ = kPostsPerTurn;
  check_gone();
  return more_posts_ || !agenda_.empty() || !next_agenda_.empty();
}

void LoopCore::settle_agenda() {
  settling_.swap(agenda_);
  for (std::size_t i = 0; i < settling_.size(); ++i) {
    ConnectionCore* const connection = settling_[i];
    if (connection == nullptr) continue;
    try {
      connection->settle();
    } catch (const std::bad_alloc&) {
      connection->cut(CloseReason::Code::memory, ENOMEM);
    }
  }
  settling_.clear();
}

void LoopCore::clear_graves() {
  for (ConnectionCore* const connection : graves_) ConnectionCore::destroy(connection);
  graves_.clear();
}

// Services stay: those of other loops may still post to them.
void LoopCore::check_retired() {
  for (auto at = retiring_.begin(); at != retiring_.end();) {
    const auto each = at++;
    if (each->service->connections() > 0) continue;
    Task gone = std::move(each->gone);
    retiring_.erase(each);
    gone();
  }
}

void LoopCore::check_gone() {
  if (!retiring_.empty()) check_retired();
  if (idle_ && alive_ == 0 && load() == 0) {
    Task task = std::move(idle_);
    idle_ = {};
    task();
  }
  if (!draining_ || !gone_ || alive_ > 0 || load() > 0) return;
  drain_deadline_.cancel();
  Task gone = std::move(gone_);
  gone_ = {};
  gone();
}

}  // namespace weir
