// A connection's life: birth, the verbs that end it, and the order of death.
#include "connection_core.hpp"

#include <algorithm>
#include <new>
#include <string>

#include "connector.hpp"
#include "reaches.hpp"
#include "trace.hpp"

namespace weir {

namespace {

std::string listener_of(const ServiceConfig& config, const Address& local,
                        const std::string& path) {
  const bool is_unix = local.family() == Address::Family::local;
  for (std::size_t i = 0; i < config.listeners.size(); ++i) {
    const Url& at = config.at[i];
    if (at.is_unix() != is_unix || (is_unix && at.path() != path)) continue;
    const bool everywhere = at.host() == "*" && at.port() == local.port();
    if (is_unix || everywhere || covers(at, local)) return config.listeners[i];
  }
  return {};
}

// Where it was accepted, and at which of our addresses if that does not say so; where it dialled from.
std::string where(const ConnectionEnd& end) {
  const std::string local = end.local.text();
  if (end.local.family() == Address::Family::none) return {};
  if (end.listener.empty()) return " from " + local;
  const bool said = end.local.family() == Address::Family::local || end.listener.ends_with(local);
  return " at " + end.listener + (said ? "" : " (" + local + ")");
}

}  // namespace

ConnectionCore* ConnectionCore::make(ServiceLoop& service, const Address& peer) {
  static_assert(sizeof(ConnectionCore) % alignof(void*) == 0);
  const std::size_t size = sizeof(ConnectionCore) + service.core().driver().stream_size();
  void* const memory = ::operator new(size);
  return new (memory) ConnectionCore(service, peer);
}

void ConnectionCore::destroy(ConnectionCore* connection) {
  connection->~ConnectionCore();
  ::operator delete(connection);
}

ConnectionCore::ConnectionCore(ServiceLoop& service, const Address& peer)
    : WheelNode(Kind::connection),
      service_(service),
      id_(service.core().next_id()),
      peer_(peer),
      slot_(service.core().take_slot(*this)),
      idle_(static_cast<std::uint32_t>(service.config().timeouts.idle.count())),
      activity_(stamp()),
      opened_(activity_) {
  core().born();
  service_.born();
}

ConnectionCore::~ConnectionCore() {
  release_aside();
  drop_tls();
  if (is(kHasStream)) plain().~SocketStream();
  service_.freed();
  core().freed();
}

void ConnectionCore::begin(int socket) {
  phase_ = Phase::open;
  core().driver().adopt(socket, &plain(), *this);
  set(kHasStream);
}

bool ConnectionCore::accept(int socket, std::shared_ptr<TlsSource> tls) {
  begin(socket);
  if (tls != nullptr) {
    secure_by(std::move(tls));
    begin_securing();
    return true;
  }
  if (!take_handler()) return false;
  open_to_handler();
  return true;
}

// Asks the service. A refused peer is reset, and nobody is told.
bool ConnectionCore::take_handler() {
  std::unique_ptr<Handler> handler;
  if (service_.service() != nullptr) {
    set(kInCallback);
    try {
      handler = service_.service()->accept(*this);
    } catch (...) {
      core().threw(&service_, "accept");
      handler.reset();
    }
    clear(kInCallback);
  }
  if (handler == nullptr) {
    LoopCounters::add(core().count().refused_service);
    finish(CloseReason::Code::refused, CloseReason::Side::us, 0, true);
    return false;
  }
  set_handler(std::move(handler));
  return true;
}

void ConnectionCore::set_handler(std::unique_ptr<Handler> handler) {
  handler_ = core().settings().trace ? traced(std::move(handler)) : std::move(handler);
}

void ConnectionCore::open_to_handler() {
  activity_ = stamp();
  opened_ = activity_;
  set(kOpenedToHandler);
  if (!is(kClosing)) call("on_open", [this] { handler_->on_open(*this); });
  advance();
  refile();
  if (core().draining() || service_.draining()) stop();
}

void ConnectionCore::connect(const ConnectOptions& options, std::unique_ptr<Handler> handler,
                             std::shared_ptr<TlsSource> tls) {
  phase_ = Phase::connecting;
  set_handler(std::move(handler));
  set(kOutgoing);
  aside_.connector = new Connector(*this, options, std::move(tls));
  set(kDialling);
  aside_.connector->start();
  refile();
}

void ConnectionCore::connected(int socket, const Address& peer) {
  const std::unique_ptr<Connector> over(aside_.connector);
  clear(kDialling);
  aside_ = {};
  peer_ = peer;
  begin(socket);
  if (std::shared_ptr<TlsSource> tls = over->take_tls()) {
    secure_by(std::move(tls));
    return begin_securing();
  }
  open_to_handler();
}

void ConnectionCore::not_connected(CloseReason::Code code, int error) {
  core().count_failed_connect(code);
  const bool ours = code == CloseReason::Code::unresolved ||
                    code == CloseReason::Code::no_local_port || code == CloseReason::Code::limit;
  finish(code, ours ? CloseReason::Side::us : CloseReason::Side::peer, error);
}

void ConnectionCore::threw(std::string_view where) {
  core().threw(&service_, where);
  finish(CloseReason::Code::handler_threw, CloseReason::Side::us, 0, true);
}

// What close() and abort() mean in this callback: the true reason, where core knows a truer one.
CloseReason::Code ConnectionCore::cause(CloseReason::Code otherwise) const {
  return cause_ == CloseReason::Code::ended ? otherwise : cause_;
}

void ConnectionCore::end() {
  if (is(kClosing) || is(kEndCalled)) return;
  set(kEndCalled);
  if (!is(kInCallback)) be_due();
}

void ConnectionCore::close() {
  if (is(kClosing)) return;
  set(kClosing);
  reason_.code = cause(CloseReason::Code::ended);
  if (reason_.code != CloseReason::Code::ended) reason_.side = CloseReason::Side::us;
  since_ = stamp();
  if (is(kFinOut)) {  // end() has sent it; what is left is to wait for the peer's.
    activity_ = since_;
    set(kLingering);
  }
  clear(kDrainDue);
  clear(kAgain);
  drop_tail();
  if (!is(kInCallback)) be_due();
  if ((phase_ == Phase::connecting || phase_ == Phase::securing) && pending() == 0) {
    finish(reason_.code, reason_.side);
  } else {
    refile();
  }
}

void ConnectionCore::close_as(CloseReason::Code code) {
  const CloseReason::Code before = std::exchange(cause_, code);
  close();
  cause_ = before;
}

void ConnectionCore::abort(std::error_code why) {
  if (is(kClosing)) return;
  finish(cause(CloseReason::Code::reset), CloseReason::Side::us, why.value(), true);
}

void ConnectionCore::cut(CloseReason::Code code, int error) {
  finish(code, CloseReason::Side::us, error, true);
}

void ConnectionCore::set_idle(Millis idle) {
  constexpr Millis most{std::chrono::hours(24 * 24)};
  idle_ = static_cast<std::uint32_t>(std::clamp(idle, Millis{0}, most).count());
  if (!is(kClosing)) refile();
}

// The service has other limits and timeouts now. What set_idle() said stays.
void ConnectionCore::reconfigured(Millis idle_before) {
  if (idle_ == static_cast<std::uint32_t>(idle_before.count())) {
    idle_ = static_cast<std::uint32_t>(config().timeouts.idle.count());
  }
  refile();
}

Address ConnectionCore::local() const {
  return !is(kHasStream) || phase_ == Phase::dead ? Address() : stream().local();
}

ConnectionRef ConnectionCore::ref() {
  ConnectionRef ref;
  ref.mailbox_ = core().mailbox();
  ref.slot_ = slot_;
  ref.id_ = id_;
  return ref;
}

void ConnectionCore::be_due() {
  if (is(kOnAgenda) || phase_ == Phase::dead) return;
  set(kOnAgenda);
  core().due(*this);
}

void ConnectionCore::on_post(Callback<Connection&>& task) {
  if (is(kClosing)) return;
  call("a posted task", [&] { task(*this); });
  advance();
}

void ConnectionCore::stop() {
  if (is(kClosing)) return;
  if (!is(kOpenedToHandler)) return finish(CloseReason::Code::stopping, CloseReason::Side::us);
  cause_ = CloseReason::Code::stopping;
  call("on_stop", [this] { handler_->on_stop(*this); });
  cause_ = CloseReason::Code::ended;
  advance();
}

void ConnectionCore::settle() {
  clear(kOnAgenda);
  if (phase_ == Phase::finished) return die();
  if (phase_ == Phase::connecting) {
    if (!is(kDialling) || !aside_.connector->deliver()) judge_output();
    return;
  }
  if (phase_ == Phase::securing) {
    secure();
    return judge_output();
  }
  if (phase_ != Phase::open) return;
  if (is(kAgain)) {
    clear(kAgain);
    offer_again();
  }
  if (is(kDrainDue) && is_open() && since_ != core().turn()) {
    clear(kDrainDue);
    since_ = core().turn();
    call("on_drain", [this] { handler_->on_drain(*this); });
  }
  if (is(kTls)) read_news();
  advance();
  judge_output();
  if (is(kDrainDue) && !is(kOnAgenda)) {  // Once a turn is enough; the next turn comes at once.
    set(kOnAgenda);
    core().due_next_turn(*this);
  }
}

void ConnectionCore::advance() {
  if (!is_open()) return;
  if (is_direct()) send_direct();
  if (out_ != nullptr && !is(kBlocked)) flush();
  if (out_ == nullptr && is(kUpgrading) && is_open()) return upgrade();
  if (out_ == nullptr && is_any(kEndCalled | kClosing | kOutDead) && is_open()) {
    if (!is(kFinOut)) fin();
    check_finished();
  }
  want();
}

void ConnectionCore::fin() {
  if (is(kTls) && !is(kOutDead) && !notified()) return;  // The FIN comes behind it.
  set(kFinOut);
  activity_ = stamp();
  if (is(kClosing)) since_ = activity_;
  put(kLingering, is(kClosing));
  // With the peer's FIN already here the socket is closed at once, and that sends ours.
  if (!is(kEofIn) && !is(kOutDead)) {
    const int result = stream().shut_down();
    if (result < 0) {
      const int error = stream().error();  // A reset says more than "not connected".
      return lost(error != 0 ? error : -result);
    }
  }
  refile();
}

void ConnectionCore::check_finished() {
  if (!is(kFinOut) || !is(kEofIn) || !is_open()) return;
  if (!is(kEofTold) && !is(kClosing)) return;
  finish(reason_.code, reason_.side);
}

void ConnectionCore::finish(CloseReason::Code code, CloseReason::Side side, int error, bool reset) {
  if (phase_ == Phase::finished || phase_ == Phase::dead) return;
  phase_ = Phase::finished;
  set(kClosing);
  reason_ = {code, side, error};
  put(kReset, reset);
  clear(kDrainDue);
  clear(kAgain);
  release_aside();  // A dial that still succeeded would bring the connection back to life.
  drop_output();
  unlink();
  be_due();
}

void ConnectionCore::release_aside() {
  drop_tail();
  if (is_any(kTls | kUpgrading)) return;  // Told about in on_close; goes with the connection.
  if (is(kDialling)) delete aside_.connector;
  clear(kDialling);
  clear(kSplice);
  aside_ = {};
}

// The order of death: on_close, the handler, the stream, and once the driver is done with that, this.
void ConnectionCore::die() {
  tell_close();
  if (is(kHasStream)) {
    stream().close(is(kReset));
  } else {
    core().bury(*this);
  }
}

void ConnectionCore::tell_close() {
  phase_ = Phase::dead;
  if (handler_ != nullptr) {
    set(kInCallback);
    try {
      handler_->on_close(*this, reason_);
    } catch (...) {
      core().threw(&service_, "on_close");
    }
    clear(kInCallback);
    handler_.reset();
  }
  log_close();
  core().left(*this);
}

void ConnectionCore::log_close() {
  const Level level = core().settings().access_log ? Level::info : Level::debug;
  if (!core().logs(level)) return;
  ConnectionEnd end;
  end.id = id_;
  end.peer = peer_;
  end.bytes_in = bytes_in_;
  end.bytes_out = bytes_out_;
  end.duration = Millis{stamp() - opened_};
  end.reason = reason_;
  if (is(kHasStream)) end.local = stream().local();
  if (is(kHasStream) && !is(kOutgoing)) {
    end.listener = listener_of(config(), end.local, stream().local_path());
  }
  std::string line = "#" + std::to_string(id_) + " " + peer_.text();
  line += where(end);
  line += " closed: " + reason_.text() + ", in " + std::to_string(bytes_in_);
  line += ", out " + std::to_string(bytes_out_);
  line += ", after " + std::to_string(end.duration.count()) + " ms";
  core().log(level, config().name, line, &end);
}

}  // namespace weir
