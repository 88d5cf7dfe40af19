// The loop: turns, what is due at their end, timers, posts. It knows no descriptor and no library;
// those are the driver's.
#pragma once

#include <atomic>
#include <deque>
#include <list>
#include <memory>
#include <vector>

#include <weir/server.hpp>

#include "chain.hpp"
#include "driver.hpp"
#include "mailbox.hpp"
#include "name_cache.hpp"
#include "pipe_pool.hpp"
#include "service_loop.hpp"
#include "wheel.hpp"

namespace weir {

class ConnectionCore;
class TlsEngine;
class TlsSource;
struct Frozen;

struct LoopSettings {
  Level level = Level::info;
  LogSink log;                                  // Called on the loop's thread,
  std::function<void(std::string_view)> print;  // like this.
  bool trace = false;       // Wrap every handler in one that logs its callbacks.
  bool access_log = false;  // Connections get their line at level info.
  std::size_t pipes = 32;   // To splice through; 0: bytes are always copied.
  // What a dial is made into; empty: it stays as it is. For tests in another transport.
  std::function<ConnectOptions(const ConnectOptions&)> dials = {};
};

// Written by the loop's thread alone, read by any.
struct LoopCounters {
  std::atomic<std::uint64_t> refused_service{0};
  std::atomic<std::uint64_t> closed{0};
  std::atomic<std::uint64_t> exceptions{0};
  std::atomic<std::uint64_t> bytes_in{0};
  std::atomic<std::uint64_t> bytes_out{0};
  std::atomic<std::uint64_t> cut{0};      // Ended by the drain deadline or abort_all.
  std::atomic<std::uint64_t> spliced{0};  // Bytes that went through a pipe.
  std::atomic<std::uint64_t> connect_refused{0};
  std::atomic<std::uint64_t> connect_timeout{0};
  std::atomic<std::uint64_t> unresolved{0};
  std::atomic<std::uint64_t> no_local_port{0};
  std::atomic<std::uint64_t> handshakes{0};         // Of TLS, done,
  std::atomic<std::uint64_t> handshakes_failed{0};  // failed, or out of time.

  WEIR_API void add_to(Counters& sum) const;

  static void add(std::atomic<std::uint64_t>& counter, std::uint64_t amount = 1) {
    counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
};

// The one write of the callback that is running, as long as it is only one: the common case needs no
// chain. Sent, or moved into a chain, when the callback returns.
struct DirectWrite {
  const ConnectionCore* owner = nullptr;
  iovec piece{};
  detail::Block* block = nullptr;  // Null: borrowed from the read buffer.
};

class WEIR_API LoopCore final : public DriverOwner {
 public:
  static constexpr std::size_t kReadSize = 64 << 10;  // Bytes a connection reads at a time.
  static constexpr int kReadsPerTurn = 4;  // Of one connection that fills the buffer each time.
  static constexpr std::size_t kPostsPerTurn = 1'024;
  static constexpr std::size_t kFanOut = 64;  // Connections with something due, to look once more.
  static constexpr int kRoundsPerTurn = 8;    // Of callbacks and flushes at the end of a turn.

  LoopCore(Driver& driver, LoopSettings settings);
  ~LoopCore();
  LoopCore(const LoopCore&) = delete;
  LoopCore& operator=(const LoopCore&) = delete;

  // --- For the server and the test kit, on the loop's thread unless said otherwise.

  // Throws what the protocol's open throws.
  ServiceLoop& open(std::shared_ptr<const ServiceConfig> config);
  ServiceLoop& host(Service& service, std::shared_ptr<const ServiceConfig> config);
  ServiceLoop& root() { return *root_; }  // Has no service.

  // Takes an accepted socket that reserve() has counted; asks the service for a handler. Null: it
  // refused. With a source, the TLS handshake comes first, and the service is asked after it.
  ConnectionCore* adopt(int socket, const Address& peer, ServiceLoop& service,
                        std::shared_ptr<TlsSource> tls = {});

  // Moves a connection to another loop: the handler here gets on_close with `moved`. Null if the
  // handler or the connection's state does not allow it; then nothing happened.
  std::unique_ptr<Frozen> freeze(ConnectionCore& connection);
  ConnectionCore* thaw(std::unique_ptr<Frozen> frozen, ServiceLoop& service);

  // on_stop for services, then connections; `gone` once no connection is left, not even its memory;
  // at the deadline the rest is aborted.
  void drain(Millis deadline, Task gone);
  void abort_all(CloseReason::Code code);
  bool draining() const { return draining_; }
  bool aborting() const { return aborting_; }
  void close_services();  // When no connection is left, on any loop.

  // Takes a service out of use. With a deadline its connections are told to stop, and aborted then;
  // else they end when they like. `gone` once there is none left.
  void retire(ServiceLoop& service, Millis deadline, Task gone);
  void shut(ServiceLoop& service);    // Destroys the service; nothing of it runs from then on.
  void forget(ServiceLoop& service);  // The rest of it, once every loop has shut its part.
  // New limits and timeouts, for open connections too.
  void reconfigure(ServiceLoop& service, std::shared_ptr<const ServiceConfig> config);
  void set(Level level, bool access_log);
  void when_idle(Task task);  // Once, when no connection is left.

  std::size_t load() const { return connections_.load(std::memory_order_relaxed); }  // Any thread.
  // A connection is counted where it is decided on, before its loop has it. Any thread.
  void reserve() { connections_.fetch_add(1, std::memory_order_relaxed); }
  const LoopCounters& counters() const { return counters_; }   // Any thread.
  void post(Task task) { mailbox_->post({std::move(task)}); }  // Any thread.
  void for_each(const std::function<void(ConnectionCore&)>& visit);

  // --- For connections and services of this loop.

  Driver& driver() { return driver_; }
  const LoopSettings& settings() const { return settings_; }
  Arena& arena() { return arena_; }
  std::uint32_t turn() const { return turn_; }
  // Milliseconds since the loop began; asked of the driver once a turn.
  std::uint64_t tick() const {
    if (!tick_known_) learn_tick();
    return tick_;
  }
  void time_moved() { tick_known_ = false; }  // Between turns, where a test moves the clock.
  const std::shared_ptr<detail::Mailbox>& mailbox() { return mailbox_; }

  // Room for `front` bytes and one read behind them.
  std::byte* read_buffer(std::size_t front) {
    if (front + kReadSize > buffer_size_) grow_read_buffer(front + kReadSize);
    return buffer_.get();
  }
  bool in_read_buffer(Bytes bytes) const {
    const auto offset = reinterpret_cast<std::uintptr_t>(bytes.data()) -
                        reinterpret_cast<std::uintptr_t>(buffer_.get());
    return offset < buffer_size_;
  }
  DirectWrite& direct() { return direct_; }
  PipePool& pipes() { return pipes_; }
  TlsEngine& tls();  // Made when it is first needed.
  NameCache& names() { return names_; }

  Chain* lend_chain();
  void return_chain(Chain* chain);

  void due(ConnectionCore& connection) { agenda_.push_back(&connection); }
  void due_next_turn(ConnectionCore& connection) { next_agenda_.push_back(&connection); }
  void file(WheelNode& node, std::uint64_t tick);
  Timer after(Millis delay, Task task, ServiceLoop& service);

  std::uint32_t take_slot(ConnectionCore& connection);
  void free_slot(std::uint32_t slot);
  ConnectionCore* find(std::uint32_t slot, std::uint64_t id);  // Null: it is gone.
  std::uint64_t next_id();

  void bury(ConnectionCore& connection) { graves_.push_back(&connection); }
  void born() { ++alive_; }
  void left(ConnectionCore& connection);  // Its on_close has been.
  void freed() { --alive_; }
  void forget(ConnectionCore& connection);
  LoopCounters& count() { return counters_; }
  void count_failed_connect(CloseReason::Code code);

  // The one place where a log line is made: dropped by level, escaped, cut, handed to the sink.
  void log(Level level, std::string_view who, std::string_view line,
           const ConnectionEnd* ended = nullptr);
  void tell(Level level, std::string_view who, std::string_view text,
            const ConnectionEnd* ended = nullptr);  // A line that is escaped already.
  void print(std::string_view line);
  bool logs(Level level) const {
    return level >= settings_.level || (level == Level::trace && settings_.trace);
  }

  // Runs a task of a service's; what it throws is logged and counted.
  void run_task(Task& task, const ServiceLoop* service, std::string_view what);
  void threw(const ServiceLoop* service, std::string_view what);  // In a catch block.

  void on_wake() override;
  void on_alarm() override;
  bool on_turn_end() override;

 private:
  void learn_tick() const;
  bool looks_first();
  void grow_read_buffer(std::size_t size);
  void set_alarm();
  void run_posts();
  void run_post(detail::Post& post);
  void run_due();
  void settle_agenda();
  void clear_graves();
  void check_gone();
  void check_retired();
  void stop_service(ServiceLoop& service);

  Driver& driver_;
  LoopSettings settings_;
  const std::shared_ptr<detail::Mailbox> mailbox_;
  const SteadyTime began_;
  Wheel wheel_;
  std::optional<std::uint64_t> alarm_;
  mutable std::uint64_t tick_ = 0;
  mutable bool tick_known_ = false;

  std::unique_ptr<std::byte[]> buffer_;
  std::size_t buffer_size_ = 0;
  Arena arena_{detail::Block::Kind::arena};
  PipePool pipes_;
  std::unique_ptr<TlsEngine> tls_;
  std::vector<std::unique_ptr<Chain>> chains_;
  DirectWrite direct_;
  NameCache names_{driver_};

  std::vector<ConnectionCore*> agenda_;  // Have something due at the end of the turn.
  std::vector<ConnectionCore*> next_agenda_;
  std::vector<ConnectionCore*> settling_;
  std::vector<ConnectionCore*> graves_;  // To be freed when no callback is on the stack.
  std::vector<detail::Post> posts_;      // Taken from the mailbox, not yet run.
  std::size_t next_post_ = 0;
  std::size_t posts_left_ = kPostsPerTurn;  // In this turn.
  bool more_posts_ = false;                 // The turn had no room for all.
  std::uint32_t turn_ = 1;
  bool looked_ = false;  // Once more before this turn's end.

  std::deque<ConnectionCore*> slots_;  // Grows without leaving a copy behind.
  std::vector<std::uint32_t> free_slots_;
  std::atomic<std::size_t> connections_{0};  // Reserved or alive and not told on_close.
  std::size_t alive_ = 0;                    // Objects not freed yet.
  LoopCounters counters_;

  std::unique_ptr<ServiceLoop> root_;
  std::list<ServiceLoop> services_;
  bool draining_ = false;
  bool aborting_ = false;
  Task gone_;
  Timer drain_deadline_;

  struct Retiring {
    ServiceLoop* service;
    Timer deadline;
    Task gone;
  };
  std::list<Retiring> retiring_;
  Task idle_;
};

}  // namespace weir
