#include "service_loop.hpp"

#include <exception>
#include <iterator>

#include <weir/text.hpp>

#include "connection_core.hpp"
#include "connector.hpp"
#include "timer_entry.hpp"

namespace weir {

namespace detail {

void TimerDeleter::operator()(TimerEntry* entry) const { delete entry; }

}  // namespace detail

// One call of resolve() whose answer is not known yet.
class ServiceLoop::Asked final : public NameAsker {
 public:
  Asked(ServiceLoop& loop, Resolved answer) : loop_(loop), answer_(std::move(answer)) {}

  void on_resolved(const Resolution& found) override {
    const std::unique_ptr<Asked> self = std::move(*place);
    loop_.asked_.erase(place);
    Task tell = [&] { answer_(found); };
    loop_.core_.run_task(tell, &loop_, "a lookup's answer");
  }

  std::list<std::unique_ptr<Asked>>::iterator place;  // In the service's list.

 private:
  ServiceLoop& loop_;
  Resolved answer_;
};

ServiceLoop::ServiceLoop(LoopCore& core, std::shared_ptr<const ServiceConfig> config)
    : core_(core), config_(std::move(config)), life_(std::make_shared<ServiceLoop*>(this)) {}

ServiceLoop::~ServiceLoop() = default;

void ServiceLoop::open() {
  owned_ = config_->protocol->open(*this);
  if (owned_ == nullptr) throw SetupError(config_->name + ": the protocol opened no service");
  service_ = owned_.get();
}

// Whatever is still under way for the service is dropped when it arrives.
void ServiceLoop::shut() {
  shut_ = true;
  life_.reset();
  asked_.clear();
  owned_.reset();
  service_ = nullptr;
}

void ServiceLoop::post(Task task) { core_.mailbox()->post({std::move(task), this}); }

Timer ServiceLoop::after(Millis delay, Task task) {
  return core_.after(delay, std::move(task), *this);
}

SteadyTime ServiceLoop::now() const { return core_.driver().now(); }
WallTime ServiceLoop::wall() const { return core_.driver().wall(); }
std::uint64_t ServiceLoop::random() { return core_.driver().random(); }

Connection& ServiceLoop::connect(const ConnectOptions& options, std::unique_ptr<Handler> handler) {
  const auto& dials = core_.settings().dials;
  return dials ? dial(dials(options), std::move(handler)) : dial(options, std::move(handler));
}

Connection& ServiceLoop::dial(const ConnectOptions& options, std::unique_ptr<Handler> handler) {
  std::shared_ptr<TlsSource> tls = Connector::check(options);
  if (core_.aborting()) {
    throw SetupError(config_->name + ": cannot connect to " + escape(options.to.text()) +
                         ": the server has stopped",
                     SetupError::Kind::unavailable);
  }
  if (handler == nullptr) throw SetupError(config_->name + ": connect needs a handler");
  core_.reserve();
  ConnectionCore* const connection = ConnectionCore::make(*this, Address());
  connection->connect(options, std::move(handler), std::move(tls));
  return *connection;
}

void ServiceLoop::resolve(std::string_view host, Resolved answer) {
  if (const Resolution* const known = core_.names().find(host)) {
    return post([found = *known, answer = std::move(answer)]() mutable { answer(found); });
  }
  asked_.push_back(std::make_unique<Asked>(*this, std::move(answer)));
  Asked& asked = *asked_.back();
  asked.place = std::prev(asked_.end());
  core_.names().ask(host, asked);
}

void ServiceLoop::work(Task blocking, Task then) {
  const auto thrown = std::make_shared<std::exception_ptr>();
  core_.driver().work(
      [blocking = std::move(blocking), thrown]() mutable {
        try {
          blocking();
        } catch (...) {
          *thrown = std::current_exception();
        }
      },
      [life = std::weak_ptr(life_), then = std::move(then), thrown]() mutable {
        const auto self = life.lock();
        if (self == nullptr) return;
        LoopCore& core = (*self)->core_;
        Task rethrow = [&] {
          if (*thrown != nullptr) std::rethrow_exception(*thrown);
        };
        core.run_task(rethrow, *self, "blocking work");
        core.run_task(then, *self, "finished work");
      });
}

DatagramSocket& ServiceLoop::bind(const Url& url, std::unique_ptr<DatagramHandler>) {
  throw SetupError(config_->name + ": cannot bind " + escape(url.text()) +
                   ": datagrams are not part of this build");
}

void ServiceLoop::log(Level level, std::string_view line) { core_.log(level, config_->name, line); }
void ServiceLoop::print(std::string_view line) { core_.print(line); }

}  // namespace weir
