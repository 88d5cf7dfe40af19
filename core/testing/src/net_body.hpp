// Behind a Net: the loops over their simulated drivers, the services they host, and the peers.
#pragma once

#include <list>

#include "acceptor.hpp"
#include "connection_core.hpp"
#include "guard.hpp"
#include "loop_core.hpp"
#include "sim_driver.hpp"
#include "sim_network.hpp"

namespace weir::testing {

// A service on one loop, with a listener of its own so that peers reach exactly that one.
struct HostedService {
  Service* service = nullptr;           // As the test knows it.
  std::unique_ptr<GuardService> guard;  // Of a service that the test owns.
  std::shared_ptr<ServiceConfig> config;
  ServiceLoop* loop = nullptr;
  std::size_t index = 0;   // Of the loop.
  std::size_t family = 0;  // The same for one service's on all loops.
  int listener = -1;
  std::unique_ptr<Acceptor> acceptor;
};

struct OpenedType {
  std::unique_ptr<Protocol> (*make)(OptionReader&) = nullptr;
  OptionValues options;
  Service* service = nullptr;
};

// The test's own loop: what it opens is let go of before the test's things may be gone.
class GuardLoop final : public Loop {
 public:
  GuardLoop(Loop& loop, const bool& let_go) : loop_(loop), let_go_(let_go) {}

  void post(Task task) override;
  Timer after(Millis delay, Task task) override;
  SteadyTime now() const override { return loop_.now(); }
  WallTime wall() const override { return loop_.wall(); }
  std::uint64_t random() override { return loop_.random(); }
  Connection& connect(const ConnectOptions& options, std::unique_ptr<Handler> handler) override;
  void resolve(std::string_view host, Resolved answer) override;
  void work(Task blocking, Task then) override;
  DatagramSocket& bind(const Url& url, std::unique_ptr<DatagramHandler> handler) override;
  void log(Level level, std::string_view line) override { loop_.log(level, line); }
  void print(std::string_view line) override { loop_.print(line); }

 private:
  Task guarded(Task task);

  Loop& loop_;
  const bool& let_go_;
};

class NetBody final {
 public:
  explicit NetBody(const NetOptions& options);
  ~NetBody();
  NetBody(const NetBody&) = delete;
  NetBody& operator=(const NetBody&) = delete;

  Loop& loop(std::size_t index) { return *guards_.at(index); }
  Service& open(const ServiceType& type, const OptionValues& options);
  Service& opened(const ServiceType& type, const OptionValues& options);
  HostedService& hosted(Service& service, std::size_t loop);  // Hosts it if it is new.
  Service& on_loop(Service& service, std::size_t index);
  // Of a listener with TLS, `how` is how the peer speaks it; null: as the transport says.
  Peer& connect(const HostedService& service, const TlsPeer* how);
  Peer& connect(std::unique_ptr<Handler> handler, std::size_t loop, const TlsPeer* how);
  void listen(Service& service, const Url& url);
  Peer& dial(const Url& url, const TlsPeer* how);
  Place& place(const Url& url);
  void name(std::string_view host, const std::vector<std::string>& addresses, Millis delay);
  std::uint64_t lookups() const { return network_.lookups(); }
  bool move(Peer& peer, Service& to);

  void run();
  void acted() {  // After a verb of the test's.
    if (options_.automatic) run();
  }
  bool turn(std::size_t loop);
  std::uint64_t turns(std::size_t loop) const { return loops_.at(loop)->driver.turns(); }
  void advance(Millis by);
  void move_clock(SteadyTime to);
  void stop(Millis deadline);
  bool stopped() const;
  Counters counters() const;
  std::vector<std::string> leftovers() const;
  const std::vector<std::string>& log() const { return log_; }
  const std::vector<std::string>& printed() const { return printed_; }

  SimNetwork& network() { return network_; }
  Peer& peer(int socket);
  ConnectionCore* connection(const SimSocket& peer);  // The loop's side.

 private:
  struct Member {  // One loop.
    SimDriver driver;
    LoopCore core;
    HandlerQueue queue = {};

    Member(SimNetwork& network, const LoopSettings& settings)
        : driver(network), core(driver, settings) {}
  };

  Address address_of(const Url& url) const;
  Peer& connect_to(int listener, const TlsPeer* how);
  std::shared_ptr<ServiceConfig> config(std::string name, std::shared_ptr<Protocol> protocol);
  HostedService& add(Service& service, std::unique_ptr<GuardService> guard, ServiceLoop& loop,
                     std::size_t index, std::size_t family);
  HostedService* find(const Service& service);
  bool busy() const;
  void close_everything();

  const NetOptions options_;
  const Transport transport_;
  bool let_go_ = false;
  std::vector<std::string> log_;
  std::vector<std::string> printed_;
  SimNetwork network_;
  AcceptLimits limits_;
  AcceptCounters counters_;
  std::vector<std::unique_ptr<Member>> loops_;
  std::vector<std::unique_ptr<GuardLoop>> guards_;
  std::list<HostedService> services_;
  std::vector<OpenedType> types_;
  std::vector<std::unique_ptr<Acceptor>> listening_;
  std::list<Peer> peers_;
  std::map<int, Peer*> peer_of_;
  std::map<std::string, Place> places_;
  std::size_t families_ = 0;
  std::size_t drained_ = 0;
  bool stopping_ = false;
};

}  // namespace weir::testing
