// The kit's public face: every call goes to the network or the body behind it.
#include <algorithm>
#include <cerrno>
#include <stdexcept>

#include "net_body.hpp"

namespace weir::testing {

SimSocket& Peer::socket() const { return *net_->network().find(socket_); }

void Peer::send(std::string_view text, std::size_t chunk) {
  chunk = std::max<std::size_t>(chunk, 1);
  SimTls* const tls = socket().tls.get();
  tls != nullptr ? tls->send(text, chunk) : net_->network().append(socket(), text, chunk);
  net_->acted();
}

void Peer::end() {
  SimTls* const tls = socket().tls.get();
  tls != nullptr ? tls->end() : static_cast<void>(net_->network().shut_down(socket()));
  net_->acted();
}

void Peer::close() {
  SimTls* const tls = socket().tls.get();
  tls != nullptr ? tls->close() : net_->network().close(socket(), false);
  net_->acted();
}

void Peer::reset() {
  SimTls* const tls = socket().tls.get();
  tls != nullptr ? tls->reset() : net_->network().close(socket(), true);
  net_->acted();
}

void Peer::cut(int error) {
  SimSocket* const far = net_->network().other(socket());
  if (socket().tls != nullptr) {
    socket().tls->cut(error);
  } else if (far != nullptr) {
    net_->network().break_off(*far, error);
  }
  net_->acted();
}

void Peer::stall() { socket().stalled = true; }

void Peer::unstall() {
  socket().stalled = false;
  net_->network().read_peer(socket());
  net_->acted();
}

void Peer::room(std::size_t bytes) {
  socket().room = bytes;
  net_->acted();
}

std::string Peer::take() {
  net_->network().read_peer(socket());
  return std::exchange(socket().taken, {});
}

std::uint64_t Peer::arrived() const { return socket().arrived; }
bool Peer::ended() const { return socket().ended; }
bool Peer::was_reset() const { return socket().was_reset; }
bool Peer::gone() const { return net_->network().other(socket()) == nullptr; }
Connection* Peer::connection() const { return net_->connection(socket()); }
std::optional<CloseReason> Peer::reason() const { return socket().reason; }
std::uint64_t Peer::sends() const { return socket().sends; }
std::uint64_t Peer::receives() const { return socket().receives; }

PeerTls Peer::tls() const {
  if (socket().tls == nullptr) throw std::logic_error("testing::Net: this peer is plain");
  return PeerTls(*socket().tls);
}

Peer* Place::next() {
  if (place_->backlog.empty()) return nullptr;
  const int socket = place_->backlog.front();
  place_->backlog.pop_front();
  return &net_->peer(socket);
}

unsigned Place::attempts() const { return place_->attempts; }
void Place::accept() { place_->answer = SimPlace::Answer::accept; }
void Place::hang() { place_->answer = SimPlace::Answer::hang; }
void Place::tls(const TlsPeer& how) { place_->tls = how; }

void Place::refuse(int error) {
  place_->answer = SimPlace::Answer::refuse;
  place_->error = error == 0 ? ECONNREFUSED : error;
}

Net::Net(NetOptions options) : body_(std::make_unique<NetBody>(options)) {}
Net::~Net() = default;

Loop& Net::loop(std::size_t index) { return body_->loop(index); }

Service& Net::open(const ServiceType& type, const OptionValues& options) {
  return body_->open(type, options);
}

Service& Net::on_loop(Service& service, std::size_t index) {
  return body_->on_loop(service, index);
}

Peer& Net::connect(Service& service, std::size_t loop) {
  return body_->connect(body_->hosted(service, loop), nullptr);
}

Peer& Net::connect(const ServiceType& type, const OptionValues& options) {
  return body_->connect(body_->hosted(body_->opened(type, options), 0), nullptr);
}

Peer& Net::connect(std::unique_ptr<Handler> handler, std::size_t loop) {
  return body_->connect(std::move(handler), loop, nullptr);
}

Peer& Net::connect(std::unique_ptr<Handler> handler, const TlsPeer& how) {
  return body_->connect(std::move(handler), 0, &how);
}

void Net::listen(Service& service, std::string_view url) {
  body_->listen(service, Url::parse(url));
}

Peer& Net::dial(std::string_view url) { return body_->dial(Url::parse(url), nullptr); }
Peer& Net::dial(std::string_view url, const TlsPeer& how) {
  return body_->dial(Url::parse(url), &how);
}
void Net::fail_accepts(int error) { body_->network().fail_accepts(error); }
Place& Net::place(std::string_view url) { return body_->place(Url::parse(url)); }

void Net::name(std::string_view host, const std::vector<std::string>& addresses, Millis delay) {
  body_->name(host, addresses, delay);
}

std::uint64_t Net::lookups() const { return body_->lookups(); }
bool Net::move(Peer& peer, Service& to) { return body_->move(peer, to); }
void Net::run() { body_->run(); }
bool Net::turn(std::size_t loop) { return body_->turn(loop); }
std::uint64_t Net::turns(std::size_t loop) const { return body_->turns(loop); }
void Net::advance(Millis by) { body_->advance(by); }
void Net::pass(Millis by) { body_->network().set_now(body_->network().now() + by); }
void Net::set_wall(WallTime wall) { body_->network().set_wall(wall); }
void Net::stop(Millis deadline) { body_->stop(deadline); }
bool Net::stopped() const { return body_->stopped(); }
const std::vector<std::string>& Net::log() const { return body_->log(); }
const std::vector<std::string>& Net::printed() const { return body_->printed(); }
Counters Net::counters() const { return body_->counters(); }
std::vector<std::string> Net::leftovers() const { return body_->leftovers(); }

}  // namespace weir::testing
