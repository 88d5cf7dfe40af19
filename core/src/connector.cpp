#include "connector.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <weir/text.hpp>

#include "connection_core.hpp"
#include "reaches.hpp"
#include "tls_client.hpp"
#include "tls_options.hpp"

namespace weir {

namespace {

CloseReason::Code code_of(int error) {
  switch (error) {
    case ETIMEDOUT:
      return CloseReason::Code::connect_timeout;
    case EADDRNOTAVAIL:
    case EADDRINUSE:
      return CloseReason::Code::no_local_port;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return CloseReason::Code::limit;
    default:  // EAGAIN too: a Unix listener whose backlog is full.
      return CloseReason::Code::connect_refused;
  }
}

Address with_port(const Address& address, std::uint16_t port) {
  const Bytes ip = address.ip();
  if (address.family() == Address::Family::ipv4) {
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), ip.data(), bytes.size());
    return Address::ipv4(bytes, port);
  }
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), ip.data(), bytes.size());
  return Address::ipv6(bytes, port, address.scope());
}

}  // namespace

Connector::Connector(ConnectionCore& connection, const ConnectOptions& options,
                     std::shared_ptr<TlsSource> tls)
    : connection_(connection),
      options_(options),
      tls_(std::move(tls)),
      began_(connection.service().now()),
      share_ends_(options.timeout.count()) {}

std::shared_ptr<TlsSource> Connector::check(const ConnectOptions& options) {
  const Url& to = options.to;
  const bool plain = to.scheme() == Url::Scheme::tcp || to.scheme() == Url::Scheme::unix_stream;
  if (!plain && !to.is_tls()) {
    throw SetupError("cannot connect to " + escape(to.text()) +
                     ": only tcp://, tls://, unix:// and tls+unix:// can be dialled");
  }
  if (to.host() == "*") {
    throw SetupError("cannot connect to " + to.text() + ": \"*\" is every address, name one");
  }
  if (!to.is_unix() && to.port() == 0) {
    throw SetupError("cannot connect to " + escape(to.text()) + ": port 0 cannot be dialled");
  }
  if (options.timeout < Millis{1} || options.timeout > std::chrono::hours(24 * 24)) {
    throw SetupError("a connect timeout must be from 1 ms to 24 days");
  }
  return plain ? nullptr : tls_dial(tls_dial_options(to));
}

void ConnectOptions::check() const { static_cast<void>(Connector::check(*this)); }

void Connector::start() {
  const Url& to = options_.to;
  if (to.is_unix()) {
    addresses_ = {Address::local()};
    return next();
  }
  const std::string host = to.host().empty() ? "127.0.0.1" : to.host();
  if (const auto address = Address::parse(host, to.port())) {
    addresses_ = {*address};
    return next();
  }
  NameCache& names = connection_.service().core().names();
  if (const Resolution* const known = names.find(host)) return on_resolved(*known);
  names.ask(host, *this);
}

void Connector::on_resolved(const Resolution& found) {
  for (const Address& address : found.addresses) {
    addresses_.push_back(with_port(address, options_.to.port()));
  }
  if (addresses_.empty()) return fail(CloseReason::Code::unresolved, 0);
  next();
}

std::int64_t Connector::total_left() const {
  return (options_.timeout - (connection_.service().now() - began_)).count();
}

std::int64_t Connector::left() const {
  return std::min(total_left(), share_ends_ - (connection_.service().now() - began_).count());
}

// Not only where the client came in: of two addresses that the service has, each would lead to the
// other.
bool Connector::is_excepted(const Address& address) const {
  if (options_.except.family() == Address::Family::none) return false;
  const std::vector<Url>& at = connection_.service().config().at;
  return address == options_.except ||
         std::any_of(at.begin(), at.end(), [&](const Url& url) { return covers(url, address); });
}

// Tries the next address. The last one may take all the time that is left.
void Connector::next() {
  dial_.reset();
  while (next_ < addresses_.size() && total_left() > 0) {
    const auto remaining = static_cast<std::int64_t>(addresses_.size() - next_);
    const std::int64_t share =
        remaining == 1 ? total_left() : std::max(total_left() / remaining, kShareLeast);
    share_ends_ = (connection_.service().now() - began_).count() + share;
    const Address& address = addresses_[next_++];
    if (is_excepted(address)) {
      last_error_ = ELOOP;
      continue;
    }
    DialResult result = connection_.service().core().driver().dial(options_.to, address, *this);
    if (result.dial != nullptr) {
      dial_ = std::move(result.dial);
      if (result.connected) connection_.be_due();
      return connection_.dialling();
    }
    last_error_ = result.error;
    // Unlike TCP's, a Unix listener with a full backlog refuses at once, and has room a moment later.
    if (options_.to.is_unix() && result.error == EAGAIN) return try_again();
  }
  fail(total_left() > 0 ? code_of(last_error_) : CloseReason::Code::connect_timeout,
       total_left() > 0 ? last_error_ : ETIMEDOUT);
}

void Connector::try_again() {
  retry_ = connection_.service().after(kBusyRetry, [this] {
    --next_;
    next();
  });
  connection_.dialling();
}

void Connector::on_dialled(int socket) {
  if (socket >= 0) {
    const Address peer = addresses_[next_ - 1];
    return connection_.connected(socket, peer);  // Ends this object's life.
  }
  last_error_ = -socket;
  next();
}

bool Connector::deliver() {
  const int socket = dial_ == nullptr ? -1 : dial_->take();
  if (socket < 0) return false;
  on_dialled(socket);
  return true;
}

void Connector::timed_out() {
  last_error_ = ETIMEDOUT;
  if (total_left() > 0 && next_ < addresses_.size()) return next();
  fail(CloseReason::Code::connect_timeout, ETIMEDOUT);
}

void Connector::fail(CloseReason::Code code, int error) {
  dial_.reset();
  share_ends_ = INT64_MAX;
  connection_.not_connected(code, error);
}

}  // namespace weir
