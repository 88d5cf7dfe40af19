#include "net_body.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "option_readers.hpp"
#include "tls_server.hpp"

namespace weir::testing {

namespace {

// Turns at one moment after which a loop is taken to be spinning.
constexpr std::size_t kTurnsMost = 1'000'000;

constexpr std::size_t kNoLimit = std::size_t{1} << 40;

// What a listener at this URL serves with; null: it is plain. Who asks for nothing of his own shares
// one with all nets of the process, as making it takes longer than most cases do.
std::shared_ptr<TlsSource> tls_for(Transport transport, const Url& url) {
  const Url in_tls = listen_in(transport, url);
  if (!in_tls.is_tls()) return nullptr;
  if (url.is_tls()) return TlsServer::open(tls_listen_options(in_tls));
  static const std::shared_ptr<TlsSource> shared = TlsServer::open(tls_listen_options(in_tls));
  return shared;
}

std::string_view word(Level level) {
  constexpr std::string_view words[] = {"trace", "debug", "info", "warn", "error"};
  return words[static_cast<std::size_t>(level)];
}

}  // namespace

void GuardLoop::post(Task task) { loop_.post(guarded(std::move(task))); }

Timer GuardLoop::after(Millis delay, Task task) {
  return loop_.after(delay, guarded(std::move(task)));
}

Connection& GuardLoop::connect(const ConnectOptions& options, std::unique_ptr<Handler> handler) {
  if (handler != nullptr) handler = std::make_unique<GuardHandler>(std::move(handler), let_go_);
  return loop_.connect(options, std::move(handler));
}

void GuardLoop::resolve(std::string_view host, Resolved answer) {
  loop_.resolve(host,
                [&let_go = let_go_, answer = std::move(answer)](const Resolution& found) mutable {
                  if (!let_go) answer(found);
                });
}

void GuardLoop::work(Task blocking, Task then) {
  loop_.work(guarded(std::move(blocking)), guarded(std::move(then)));
}

DatagramSocket& GuardLoop::bind(const Url& url, std::unique_ptr<DatagramHandler> handler) {
  return loop_.bind(url, std::move(handler));
}

Task GuardLoop::guarded(Task task) {
  return [&let_go = let_go_, task = std::move(task)]() mutable {
    if (!let_go) task();
  };
}

NetBody::NetBody(const NetOptions& options)
    : options_(options),
      transport_(options.transport.value_or(asked_transport())),
      network_(options),
      limits_{kNoLimit, options.connections} {
  LoopSettings settings;
  settings.pipes = options.pipes;
  settings.level = options.level;
  settings.trace = options.trace;
  if (transport_ != Transport::plain) {
    settings.dials = [transport = transport_](ConnectOptions to) {
      to.to = dial_in(transport, to.to);
      return to;
    };
  }
  settings.log = [this](const LogLine& line) {
    log_.push_back(std::string(word(line.level)) + ": " + std::string(line.service) + ": " +
                   std::string(line.text));
  };
  settings.print = [this](std::string_view line) { printed_.emplace_back(line); };
  for (std::size_t i = 0; i < std::max<std::size_t>(options.loops, 1); ++i) {
    loops_.push_back(std::make_unique<Member>(network_, settings));
    guards_.push_back(std::make_unique<GuardLoop>(loops_.back()->core.root(), let_go_));
  }
}

NetBody::~NetBody() {
  try {
    close_everything();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "testing::Net: %s\n", error.what());
    std::abort();
  }
  const std::vector<std::string> left = leftovers();
  for (const std::string& line : left) std::fprintf(stderr, "testing::Net: %s\n", line.c_str());
  if (!left.empty()) std::abort();
}

void NetBody::close_everything() {
  let_go_ = true;
  listening_.clear();
  for (HostedService& service : services_) service.acceptor.reset();
  run();  // What was accepted on one loop may still be on its way to another.
  for (const auto& member : loops_) member->core.abort_all(CloseReason::Code::stopping);
  run();
  for (const auto& member : loops_) member->core.close_services();
}

std::shared_ptr<ServiceConfig> NetBody::config(std::string name,
                                               std::shared_ptr<Protocol> protocol) {
  auto config = std::make_shared<ServiceConfig>();
  config->name = std::move(name);
  config->limits = options_.limits;
  config->timeouts = options_.timeouts;
  config->protocol = std::move(protocol);
  return config;
}

HostedService& NetBody::add(Service& service, std::unique_ptr<GuardService> guard,
                            ServiceLoop& loop, std::size_t index, std::size_t family) {
  HostedService& hosted = services_.emplace_back();
  hosted.service = &service;
  hosted.guard = std::move(guard);
  hosted.loop = &loop;
  hosted.index = index;
  hosted.family = family;
  const Address at = options_.unix_sockets ? Address::local() : Address::ipv4({127, 0, 0, 1}, 7);
  const std::shared_ptr<TlsSource> tls = tls_for(transport_, Url::parse("tcp://127.0.0.1:7"));
  hosted.listener = network_.listen("", at, tls != nullptr);
  hosted.acceptor = std::make_unique<Acceptor>(hosted.listener, std::vector<ServiceLoop*>{&loop},
                                               1u, limits_, counters_, tls);
  hosted.acceptor->start();
  return hosted;
}

Service& NetBody::open(const ServiceType& type, const OptionValues& options) {
  const std::shared_ptr<ServiceConfig> shared = config(type.name, make_protocol(type, options));
  const std::size_t family = families_++;
  Service* first = nullptr;
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    ServiceLoop& loop = loops_[i]->core.open(shared);
    add(*loop.service(), nullptr, loop, i, family).config = shared;
    if (first == nullptr) first = loop.service();
  }
  types_.push_back({type.make, options, first});
  return *first;
}

Service& NetBody::opened(const ServiceType& type, const OptionValues& options) {
  for (const OpenedType& known : types_) {
    if (known.make == type.make && known.options == options) return *known.service;
  }
  return open(type, options);
}

HostedService* NetBody::find(const Service& service) {
  for (HostedService& hosted : services_) {
    if (hosted.service == &service) return &hosted;
  }
  return nullptr;
}

HostedService& NetBody::hosted(Service& service, std::size_t loop) {
  if (HostedService* const known = find(service)) return *known;
  auto guard = std::make_unique<GuardService>(service, let_go_);
  const std::shared_ptr<ServiceConfig> its_own = config("test", nullptr);
  ServiceLoop& on = loops_.at(loop)->core.host(*guard, its_own);
  HostedService& made = add(service, std::move(guard), on, loop, families_++);
  made.config = its_own;
  return made;
}

Service& NetBody::on_loop(Service& service, std::size_t index) {
  const HostedService* const known = find(service);
  for (const HostedService& hosted : services_) {
    const bool same = known != nullptr && hosted.family == known->family;
    if (same && hosted.index == index) return *hosted.service;
  }
  throw std::logic_error("testing::Net: this service is not on that loop");
}

Peer& NetBody::peer(int socket) {
  Peer*& known = peer_of_[socket];
  if (known == nullptr) {
    peers_.push_back(Peer(*this, socket));
    known = &peers_.back();
  }
  return *known;
}

Peer& NetBody::connect_to(int listener, const TlsPeer* how) {
  SimListener& to = *network_.listener(listener);
  if (how != nullptr && !to.tls) throw std::logic_error("testing::Net: nobody speaks TLS there");
  std::optional<TlsPeer> tls;
  if (to.tls) tls.emplace();
  if (to.tls && transport_ != Transport::plain) tls->version = transport_;
  if (how != nullptr) tls = *how;
  Peer& made = peer(network_.connect_peer(to, tls));
  acted();
  return made;
}

Peer& NetBody::connect(const HostedService& service, const TlsPeer* how) {
  if (stopping_) throw std::logic_error("testing::Net: it was stopped");
  return connect_to(service.listener, how);
}

Peer& NetBody::connect(std::unique_ptr<Handler> handler, std::size_t loop, const TlsPeer* how) {
  HandlerQueue& queue = loops_.at(loop)->queue;
  queue.push(std::move(handler));
  return connect(hosted(queue, loop), how);
}

Address NetBody::address_of(const Url& url) const {
  if (url.is_unix()) return Address::local();
  const std::string host = url.host().empty() ? "localhost" : url.host();
  if (const auto numeric = Address::parse(host, url.port())) return *numeric;
  const SimName* const name = network_.find_name(host);
  if (name == nullptr || name->addresses.empty()) {
    throw std::logic_error("testing::Net: give " + host + " an address first");
  }
  return SimNetwork::with_port(name->addresses.front(), url.port());
}

void NetBody::listen(Service& service, const Url& url) {
  HostedService& any = hosted(service, 0);
  any.config->at.push_back(url);  // The same for all its loops.
  const std::size_t family = any.family;
  std::vector<ServiceLoop*> loops;
  for (const HostedService& hosted : services_) {
    if (hosted.family == family) loops.push_back(hosted.loop);
  }
  const Address at = address_of(url);
  const std::shared_ptr<TlsSource> tls = tls_for(transport_, url);
  const int socket = network_.listen(SimNetwork::key_of(url, at), at, tls != nullptr);
  listening_.push_back(
      std::make_unique<Acceptor>(socket, std::move(loops), 1u, limits_, counters_, tls));
  listening_.back()->start();
}

Peer& NetBody::dial(const Url& url, const TlsPeer* how) {
  const int listener = network_.listener_at(SimNetwork::key_of(url, address_of(url)));
  if (listener < 0) throw std::logic_error("testing::Net: nothing listens on " + url.text());
  return connect_to(listener, how);
}

Place& NetBody::place(const Url& url) {
  const std::string key = SimNetwork::key_of(url, address_of(url));
  const auto known = places_.find(key);
  if (known != places_.end()) return known->second;
  SimPlace& place = network_.place(key);
  if (url.is_tls() || transport_ != Transport::plain) place.tls.emplace();
  if (transport_ != Transport::plain) place.tls->version = transport_;
  return places_.emplace(key, Place(*this, place)).first->second;
}

void NetBody::name(std::string_view host, const std::vector<std::string>& addresses, Millis delay) {
  SimName name;
  name.delay = delay;
  for (const std::string& text : addresses) {
    const auto address = Address::parse(text, 0);
    if (!address) throw std::logic_error("testing::Net: not an address: " + text);
    name.addresses.push_back(*address);
  }
  if (addresses.empty()) name.error = "Name or service not known";
  network_.names()[std::string(host)] = std::move(name);
}

ConnectionCore* NetBody::connection(const SimSocket& peer) {
  const SimSocket* const far = network_.other(peer);
  if (far == nullptr || far->stream == nullptr) return nullptr;
  return static_cast<ConnectionCore*>(&far->stream->owner());
}

bool NetBody::move(Peer& peer, Service& to) {
  ConnectionCore* const moving = connection(*network_.find(peer.socket_));
  if (moving == nullptr) return false;
  HostedService& target = hosted(to, 0);
  LoopCore& from = moving->service().core();
  std::unique_ptr<Frozen> frozen;
  bool tried = false;
  Loop& root = from.root();
  root.post([&, slot = moving->slot(), id = moving->id()] {
    tried = true;
    ConnectionCore* const connection = from.find(slot, id);
    if (connection != nullptr) frozen = from.freeze(*connection);
  });
  const auto source = std::find_if(loops_.begin(), loops_.end(),
                                   [&](const auto& member) { return &member->core == &from; });
  while (!tried) (*source)->driver.turn();
  if (frozen == nullptr) return false;
  tried = false;
  static_cast<Loop&>(*target.loop).post([&] {
    tried = true;
    loops_[target.index]->core.thaw(std::move(frozen), *target.loop);
  });
  while (!tried) loops_[target.index]->driver.turn();
  acted();
  return true;
}

bool NetBody::busy() const {
  return network_.peers_waiting() ||
         std::any_of(loops_.begin(), loops_.end(),
                     [](const auto& member) { return member->driver.busy(); });
}

// Every loop gets one turn at least, so that what the test did from outside is taken up.
void NetBody::run() {
  for (const auto& member : loops_) member->driver.turn();
  network_.read_peers();
  for (std::size_t turns = 0, next = 0; busy() || network_.settle_peers(); ++turns, ++next) {
    if (turns == kTurnsMost) throw std::runtime_error("a loop spins: it never becomes quiet");
    if (network_.faults().any_order) next = network_.below(loops_.size());
    SimDriver& driver = loops_[next % loops_.size()]->driver;
    if (driver.busy()) driver.turn();
    network_.read_peers();
  }
}

bool NetBody::turn(std::size_t loop) {
  SimDriver& driver = loops_.at(loop)->driver;
  network_.read_peers();
  if (!driver.busy()) return false;
  driver.turn();
  network_.read_peers();
  return true;
}

void NetBody::advance(Millis by) {
  const SteadyTime end = network_.now() + by;
  run();
  for (;;) {
    std::optional<SteadyTime> next;
    for (const auto& member : loops_) {
      const std::optional<SteadyTime> one = member->driver.next();
      if (one && (!next || *one < *next)) next = one;
    }
    if (!next || *next > end) break;
    move_clock(std::max(*next, network_.now()));
    run();
  }
  move_clock(end);
  run();
}

void NetBody::move_clock(SteadyTime to) {
  network_.set_now(to);
  for (const auto& member : loops_) member->core.time_moved();
}

void NetBody::stop(Millis deadline) {
  stopping_ = true;
  listening_.clear();
  for (HostedService& service : services_) service.acceptor.reset();
  for (const auto& member : loops_) {
    Loop& root = member->core.root();
    root.post([this, deadline, core = &member->core] {
      core->drain(deadline, [this] {
        if (++drained_ < loops_.size()) return;
        for (const auto& each : loops_) each->core.close_services();
      });
    });
  }
  acted();
}

bool NetBody::stopped() const { return drained_ == loops_.size(); }

Counters NetBody::counters() const {
  Counters sum;
  sum.accepted = counters_.accepted;
  sum.refused_limit = counters_.refused_limit;
  sum.accept_errors = counters_.errors;
  for (const auto& member : loops_) {
    member->core.counters().add_to(sum);
    sum.connections += member->core.load();
  }
  return sum;
}

std::vector<std::string> NetBody::leftovers() const {
  std::vector<std::string> left = network_.open_sockets();
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    const std::size_t load = loops_[i]->core.load();
    if (load == 0) continue;
    left.push_back("loop " + std::to_string(i) + " has " + std::to_string(load) + " connections");
  }
  return left;
}

}  // namespace weir::testing
