// A service on one loop, and the Loop it was opened with.
#pragma once

#include <list>
#include <optional>

#include <weir/server.hpp>

namespace weir {

class LoopCore;

// What all loops of a configured service share. It is never changed, but another may take its place.
struct ServiceConfig {
  std::string name;
  Limits limits;
  Timeouts timeouts;
  std::vector<Url> at;                 // Where it listens: addresses, no names.
  std::vector<std::string> listeners;  // The same in the same order, as they were written.
  std::shared_ptr<Protocol> protocol;  // Null for the loop's own.
};

// The facade knows its service, so connections, timers and log lines belong to the right one without
// anybody keeping track of whose callback is running.
class WEIR_API ServiceLoop final : public Loop {
 public:
  ServiceLoop(LoopCore& core, std::shared_ptr<const ServiceConfig> config);
  ~ServiceLoop();
  ServiceLoop(const ServiceLoop&) = delete;
  ServiceLoop& operator=(const ServiceLoop&) = delete;

  void open();  // Asks the protocol for the service; throws what it throws.
  void use(Service& service) { service_ = &service; }  // One that somebody else owns; for tests.

  void set(std::shared_ptr<const ServiceConfig> config) { config_ = std::move(config); }
  void drain() { draining_ = true; }  // Connections that still come are told to stop at once.
  bool draining() const { return draining_; }
  void shut();
  bool is_shut() const { return shut_; }

  void born() { ++connections_; }
  void freed() { --connections_; }
  std::size_t connections() const { return connections_; }  // Objects not freed yet.

  Service* service() { return service_; }
  LoopCore& core() { return core_; }
  const ServiceConfig& config() const { return *config_; }

  void post(Task task) override;
  Timer after(Millis delay, Task task) override;
  SteadyTime now() const override;
  WallTime wall() const override;
  std::uint64_t random() override;
  Connection& connect(const ConnectOptions& options, std::unique_ptr<Handler> handler) override;
  void resolve(std::string_view host, Resolved answer) override;
  void work(Task blocking, Task then) override;
  DatagramSocket& bind(const Url& url, std::unique_ptr<DatagramHandler> handler) override;
  void log(Level level, std::string_view line) override;
  void print(std::string_view line) override;

 private:
  class Asked;

  Connection& dial(const ConnectOptions& options, std::unique_ptr<Handler> handler);

  LoopCore& core_;
  std::shared_ptr<const ServiceConfig> config_;
  std::unique_ptr<Service> owned_;
  Service* service_ = nullptr;
  std::list<std::unique_ptr<Asked>> asked_;  // Names whose answer is awaited.
  std::shared_ptr<ServiceLoop*> life_;       // What is under way elsewhere holds it weakly.
  std::size_t connections_ = 0;
  bool draining_ = false;
  bool shut_ = false;
};

}  // namespace weir
