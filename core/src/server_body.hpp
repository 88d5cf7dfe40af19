// The inside of a Server: loops on their threads, services, and the sockets they listen on.
#pragma once

#include <exception>
#include <map>
#include <mutex>
#include <thread>

#include <weir/server.hpp>

#include "acceptor.hpp"
#include "listener.hpp"
#include "log_writer.hpp"
#include "loop_core.hpp"
#include "tls_server.hpp"
#include "uv_driver.hpp"

namespace weir {

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

struct ConfiguredService {
  ServiceType type;
  OptionValues options;
  std::shared_ptr<const ServiceConfig> config;
  std::vector<ServiceLoop*> on_loops = {};  // In the loops' order, once it is open.
};

// A socket, and the service that answers on it.
struct Listening {
  std::string key;  // The URL as it was asked for, which a reload finds again.
  BoundSocket socket;
  Url place;  // With the address in place of a name; asked before the socket is taken.
  std::shared_ptr<ConfiguredService> service;
  std::unique_ptr<Acceptor> acceptor = {};
  std::shared_ptr<TlsServer> tls = {};  // Null: plain.
  std::string tls_keys = {};            // Of its URL.
};

// A reload on its way, one at a time.
struct ReloadPlan {
  enum class How : std::uint8_t {
    kept,      // The same protocol goes on, with the same options.
    reloaded,  // The same protocol takes new ones.
    replaced,  // A new protocol for new connections; the old one keeps those it has.
    added,
  };

  struct Open {             // What is listened on when it begins.
    std::size_t index = 0;  // In the server's list, which changes only at the end.
    std::string key;
    std::string service;
    Url url;
    Url place;
    std::shared_ptr<TlsServer> tls;
    std::string tls_keys;
  };

  struct Kept {  // A socket that is open already.
    std::size_t index = 0;
    std::shared_ptr<TlsServer> tls = {};               // The one it had, or another one.
    std::shared_ptr<const TlsMaterial> material = {};  // For the one it had.
    std::string tls_keys = {};
  };

  struct Entry {
    How how = How::added;
    std::shared_ptr<ConfiguredService> service;
    std::shared_ptr<ConfiguredService> before;  // Null if added.
    std::vector<Kept> kept;
    std::vector<Listening> fresh;
  };

  std::vector<std::shared_ptr<ConfiguredService>> before;
  std::vector<Open> open;
  Reload wanted;
  std::vector<Entry> entries;
  std::size_t opening = 0;  // Services on loops that have not answered yet.
  std::string fault;        // Why nothing is changed.
};

class Server::Body {
 public:
  explicit Body(ServerOptions options);

  void add(const ServiceType& type) { types_.push_back(type); }
  void listen(const Listen& service);
  std::vector<Bound> bound() const;
  int run();
  void stop();
  void abort();
  void reload();
  Loop& loop(std::size_t index) { return loops_.at(index)->core.root(); }
  Counters counters() const;

 private:
  const ServiceType& find(std::string_view name) const;
  void open_services(std::size_t index);
  std::exception_ptr start_loops();
  void accept();
  void accept(Listening& listening);
  void watch_signals();
  void on_signal(int signal);
  void tell_certificates(const Url& url, const TlsServer& tls);
  void tell_expiry(const Url& url, const TlsServer& tls, WallTime now);
  void watch_certificates();
  void look_at_certificates();
  void stop_accepting();
  void begin_stop();
  void begin_abort();
  void stop_once_idle();
  void loop_gone();
  void stop_turning();
  void join_loops();

  // Of a reload; on loop 0 but for plan(), which is on a pool's thread.
  void begin_reload();
  void plan(ReloadPlan& plan) const;
  void plan_service(ReloadPlan& plan, const Listen& wanted) const;
  static std::vector<Url> plan_sockets(ReloadPlan& plan, const Listen& wanted,
                                       ReloadPlan::Entry& entry, ServiceConfig& config);
  static ReloadPlan::Kept plan_kept(const ReloadPlan::Open& open, const Url& url);
  static std::shared_ptr<Protocol> plan_protocol(const Listen& wanted, const ServiceType& type,
                                                 ReloadPlan::Entry& entry,
                                                 const ServiceConfig& config,
                                                 const std::vector<Url>& at);
  void open_planned(const std::shared_ptr<ReloadPlan>& plan);
  void open_on_loop(const std::shared_ptr<ReloadPlan>& plan, std::size_t entry, std::size_t loop);
  void opened(const std::shared_ptr<ReloadPlan>& plan);
  void commit(ReloadPlan& plan);
  void change_over(ReloadPlan::Entry& entry);
  void take_sockets(ReloadPlan& plan);
  void give_up(ReloadPlan& plan);
  void end_reload(bool changed);
  void retire(const std::shared_ptr<ConfiguredService>& service, Millis deadline);
  template <class F>
  void on_each_loop(const std::shared_ptr<ConfiguredService>& service, F&& what, Task then);

  // What is in it from outside is escaped already.
  void log(Level level, const std::string& line) { loops_[0]->core.tell(level, "weir", line); }

  ServerOptions options_;
  std::shared_ptr<LogWriter> writer_;  // Null if the options name a sink.
  AcceptLimits limits_;
  AcceptCounters accepts_;
  std::vector<ServiceType> types_;
  std::vector<std::unique_ptr<RunningLoop>> loops_;

  std::vector<std::shared_ptr<ConfiguredService>> services_;  // Loop 0 only, once it runs,
  std::vector<Listening> listening_;                          // like this.
  mutable std::mutex bound_mutex_;
  std::vector<Bound> bound_;

  bool ran_ = false;
  bool stopping_ = false;       // Loop 0 only,
  std::size_t loops_gone_ = 0;  // like these.
  bool reloading_ = false;
  bool reload_again_ = false;
  Timer tls_watch_;
  WallTime tls_looked_{};                  // When it was last looked whether one has expired.
  std::map<std::string, int> tls_faults_;  // Lines of the last look, and in how many they stood.
};

// The parts of listening that need no server.
std::vector<std::string> keys_of(const std::vector<Url>& at);
std::vector<Listening> bind_all(const std::vector<Url>& at, const std::vector<std::string>& keys);
// Null where the URL is no TLS listener's. Throws SetupError, which names file and reason.
std::shared_ptr<TlsServer> tls_listener(const Url& url);
std::string tls_keys(const Url& url);  // What it says of TLS.
// A line for each certificate: whose it is, and how long it is good.
std::vector<std::string> certificate_lines(const Url& url, const TlsServer& tls, WallTime now);
// Without places and protocol.
std::shared_ptr<ServiceConfig> config_of(const ServiceType& type, const Listen& wanted);
// Sizes and times that code sets are checked like those that users write. Throws SetupError.
void check_numbers(const ServiceType& type, const Limits& limits, const Timeouts& timeouts);

}  // namespace weir
