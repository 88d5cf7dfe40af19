#include "sim_network.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace weir::testing {

namespace {

// 2026-01-01T00:00:00Z: a date that no test can mistake for the real one.
constexpr auto kFirstDay = WallTime{std::chrono::seconds(1'767'225'600)};

constexpr std::size_t kCompactAt = 64 << 10;  // Read bytes at the front that are worth a move.

}  // namespace

SimNetwork::SimNetwork(const NetOptions& options)
    : state_(options.seed),
      faults_(options.faults),
      unix_(options.unix_sockets),
      pipe_size_(options.pipe_size),
      wall_(kFirstDay - (now_ - SteadyTime{})) {
  names_["localhost"] = {{Address::ipv4({127, 0, 0, 1}, 0)}, "", Millis{0}};
}

// SplitMix64: one addition and a few mixes, and every seed is as good as any other.
std::uint64_t SimNetwork::random() {
  std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

SimSocket* SimNetwork::find(int number) {
  if (number < 0 || static_cast<std::size_t>(number) >= sockets_.size()) return nullptr;
  return sockets_[static_cast<std::size_t>(number)].get();
}

SimSocket& SimNetwork::make_socket(bool local) {
  auto socket = std::make_unique<SimSocket>();
  socket->number = static_cast<int>(sockets_.size());
  socket->local = local;
  sockets_.push_back(std::move(socket));
  return *sockets_.back();
}

int SimNetwork::make_pair(bool local, const Address& client, const Address& server) {
  SimSocket& near = make_socket(local);
  SimSocket& far = make_socket(local);
  near.other = far.number;
  far.other = near.number;
  near.here = far.there = client;
  near.there = far.here = server;
  return near.number;
}

// What is queued is read first, whatever has happened since; then a FIN, then an error, once.
IoResult SimNetwork::receive(SimSocket& socket, std::span<std::byte> into) {
  if (chance(faults_.broken)) break_off(socket, random() % 2 == 0 ? ECONNRESET : ETIMEDOUT);
  if (socket.unread() == 0) {
    if (socket.fin) return 0;
    if (socket.error != 0) return -take_error(socket);
    return socket.dead ? 0 : -EAGAIN;
  }
  if (chance(faults_.again)) return -EAGAIN;
  const std::uint64_t position = socket.passed + socket.read;
  while (!socket.cuts.empty() && socket.cuts.front() <= position) socket.cuts.pop_front();
  std::size_t size = std::min(into.size(), socket.unread());
  if (!socket.cuts.empty()) {
    size = std::min(size, static_cast<std::size_t>(socket.cuts.front() - position));
  }
  if (size > 1 && chance(faults_.short_receive)) size = 1 + below(size);
  std::memcpy(into.data(), socket.in.data() + socket.read, size);
  socket.read += size;
  if (socket.unread() == 0 || socket.read >= kCompactAt) {
    socket.in.erase(0, socket.read);
    socket.passed += socket.read;
    socket.read = 0;
  }
  return static_cast<IoResult>(size);
}

IoResult SimNetwork::send(SimSocket& socket, const iovec* pieces, int count) {
  if (chance(faults_.broken)) break_off(socket, random() % 2 == 0 ? ECONNRESET : ETIMEDOUT);
  if (socket.error != 0) return -take_error(socket);
  if (socket.dead || socket.shut) return -EPIPE;
  std::size_t size = 0;
  for (int i = 0; i < count; ++i) size += pieces[i].iov_len;
  SimSocket* const to = other(socket);
  if (to == nullptr || to->closed) {
    if (socket.local) return -EPIPE;
    kill(socket, EPIPE);  // The kernel takes these bytes; the reset that they provoke comes after.
    return static_cast<IoResult>(size);
  }
  const std::size_t space = to->space();
  if (size > 0 && (space == 0 || chance(faults_.again))) return -EAGAIN;
  size = std::min(size, space);
  if (size > 1 && chance(faults_.short_send)) size = 1 + below(size);
  std::size_t left = size;
  for (int i = 0; i < count && left > 0; ++i) {
    const std::size_t piece = std::min(left, pieces[i].iov_len);
    to->in.append(static_cast<const char*>(pieces[i].iov_base), piece);
    left -= piece;
  }
  reach(*to);
  return static_cast<IoResult>(size);
}

void SimNetwork::append(SimSocket& from, std::string_view text, std::size_t chunk) {
  if (from.closed || from.shut || from.dead || text.empty()) return;
  SimSocket* const to = other(from);
  if (to == nullptr || to->closed) return from.local ? void() : kill(from, EPIPE);
  for (std::size_t at = 0; chunk < text.size() - at; at += chunk) {
    to->cuts.push_back(to->passed + to->in.size() + at + chunk);
  }
  to->in.append(text);
  if (chunk < text.size()) to->cuts.push_back(to->passed + to->in.size());
  reach(*to);
}

int SimNetwork::shut_down(SimSocket& socket) {
  if (socket.dead) return -ENOTCONN;
  if (std::exchange(socket.shut, true)) return 0;
  SimSocket* const to = other(socket);
  if (to != nullptr && !to->closed) {
    to->fin = true;
    reach(*to);
  }
  return 0;
}

int SimNetwork::take_error(SimSocket& socket) { return std::exchange(socket.error, 0); }

// A Unix socket has no reset, but closing one with unread input gives the other end the same error.
void SimNetwork::close(SimSocket& socket, bool reset) {
  if (std::exchange(socket.closed, true)) return;
  SimSocket* const to = other(socket);
  if (to != nullptr && !to->closed) {
    to->other_closed = true;
    if (!socket.dead) {
      const bool abortive = socket.unread() > 0 || (reset && !socket.local);
      if (abortive) {
        kill(*to, to->fin ? EPIPE : ECONNRESET);
      } else {
        to->fin = true;
        reach(*to);
      }
    }
  }
  socket.stream = nullptr;
  if (!socket.peer) sockets_[static_cast<std::size_t>(socket.number)].reset();
}

void SimNetwork::break_off(SimSocket& socket, int error) {
  if (socket.dead || socket.closed) return;
  kill(socket, error);
  SimSocket* const to = other(socket);
  if (to != nullptr && !to->closed && !to->dead) kill(*to, to->fin ? EPIPE : ECONNRESET);
}

void SimNetwork::kill(SimSocket& socket, int error) {
  if (socket.dead) return;
  socket.dead = true;
  socket.error = error;
  socket.was_reset = true;
  reach(socket);
}

unsigned SimNetwork::readiness(const SimSocket& socket) const {
  const bool over = socket.error != 0 || socket.dead;
  const auto other = static_cast<std::size_t>(socket.other);
  const SimSocket* const to = sockets_[other].get();
  unsigned what = ready::kNothing;
  if (socket.unread() > 0 || socket.fin || over) what |= ready::kRead;
  if (over || socket.shut || to == nullptr || to->closed || to->space() > 0) {
    what |= ready::kWrite;
  }
  return what;
}

int SimNetwork::listen(const std::string& key, const Address& at, bool tls) {
  auto listener = std::make_unique<SimListener>();
  listener->number = static_cast<int>(listeners_.size());
  listener->key = key;
  listener->at = at;
  listener->tls = tls;
  listeners_.push_back(std::move(listener));
  return listeners_.back()->number;
}

int SimNetwork::listener_at(const std::string& key) const {
  for (const auto& listener : listeners_) {
    if (listener != nullptr && listener->key == key) return listener->number;
  }
  return -1;
}

SimListener* SimNetwork::listener(int number) {
  return listeners_.at(static_cast<std::size_t>(number)).get();
}

void SimNetwork::stop_listening(int number) {
  const std::unique_ptr<SimListener> gone =
      std::move(listeners_.at(static_cast<std::size_t>(number)));
  if (gone == nullptr) return;
  for (const int waiting : gone->backlog) {
    if (SimSocket* const socket = find(waiting)) close(*socket, true);
  }
}

Accepted SimNetwork::accept(SimListener& listener) {
  if (accept_error_ != 0) return {-accept_error_, {}};
  if (listener.backlog.empty()) return {-EAGAIN, {}};
  if (chance(faults_.accept)) return {-EMFILE, {}};
  SimSocket& socket = *find(listener.backlog.front());
  listener.backlog.pop_front();
  return {socket.number, socket.there};
}

Address SimNetwork::client_address() {
  if (unix_) return Address::local(Credentials{4'711, 1'000, 1'000});
  if (++next_port_ == 60'000) next_port_ = 40'000;
  return Address::ipv4({127, 0, 0, 1}, next_port_);
}

int SimNetwork::connect_peer(SimListener& listener, const std::optional<TlsPeer>& tls) {
  const bool local = listener.at.family() == Address::Family::local;
  const int near = make_pair(local, client_address(), listener.at);
  find(near)->peer = true;
  listener.backlog.push_back(find(near)->other);
  if (tls) secure(*find(near), TlsEnd::Side::client, *tls);
  return near;
}

void SimNetwork::secure(SimSocket& socket, TlsEnd::Side side, const TlsPeer& how) {
  socket.tls = std::make_unique<SimTls>(*this, socket.number, side, how);
  socket.tls->start();
  shaking_.push_back(socket.number);
}

bool SimNetwork::settle_peers() {
  bool any = false;
  std::erase_if(shaking_, [&](int number) {
    SimTls& tls = *find(number)->tls;
    any = tls.settle() || any;
    return tls.tls().settled() || tls.tls().failed();
  });
  return any;
}

std::string SimNetwork::key_of(const Url& url, const Address& address) {
  return url.is_unix() ? "unix:" + url.path() : address.text();
}

const SimName* SimNetwork::find_name(const std::string& host) const {
  const auto found = names_.find(host);
  return found == names_.end() ? nullptr : &found->second;
}

Address SimNetwork::with_port(const Address& address, std::uint16_t port) {
  if (address.family() == Address::Family::ipv6) {
    std::array<std::uint8_t, 16> ip{};
    std::memcpy(ip.data(), address.ip().data(), ip.size());
    return Address::ipv6(ip, port, address.scope());
  }
  std::array<std::uint8_t, 4> ip{};
  std::memcpy(ip.data(), address.ip().data(), ip.size());
  return Address::ipv4(ip, port);
}

int SimNetwork::dial_at_once(const std::string& key) {
  const auto place = places_.find(key);
  const bool local = key.starts_with("unix:");
  if (place == places_.end()) return local && listener_at(key) < 0 ? ENOENT : 0;
  if (place->second.answer != SimPlace::Answer::refuse) return 0;
  const int error = place->second.error;
  const bool known = local || error == ENETUNREACH || error == EADDRNOTAVAIL || error == EACCES;
  if (!known) return 0;
  ++place->second.attempts;
  return error;
}

std::optional<int> SimNetwork::dial(const std::string& key, const Address& to) {
  if (chance(faults_.hang)) return {};
  if (chance(faults_.dial)) return random() % 2 == 0 ? -ECONNREFUSED : -EHOSTUNREACH;
  const bool local = key.starts_with("unix:");
  const Address here = local ? Address::local() : client_address();
  if (const int number = listener_at(key); number >= 0) {
    const int near = make_pair(local, here, to);
    listener(number)->backlog.push_back(find(near)->other);
    return near;
  }
  const auto found = places_.find(key);
  if (found == places_.end()) return -ECONNREFUSED;
  SimPlace& place = found->second;
  ++place.attempts;
  if (place.answer == SimPlace::Answer::hang) return {};
  if (place.answer == SimPlace::Answer::refuse) return -place.error;
  const int near = make_pair(local, here, to);
  SimSocket& far = *other(*find(near));
  far.peer = true;
  place.backlog.push_back(far.number);
  if (place.tls) secure(far, TlsEnd::Side::server, *place.tls);
  return near;
}

void SimNetwork::reach(SimSocket& socket) {
  if (!socket.peer || socket.waiting) return;
  socket.waiting = true;
  waiting_.push_back(socket.number);
}

void SimNetwork::read_peers() {
  std::vector<int> now;
  now.swap(waiting_);
  for (const int number : now) {
    SimSocket& socket = *find(number);
    socket.waiting = false;
    if (chance(faults_.late)) {
      reach(socket);
    } else {
      read_peer(socket);
    }
  }
}

void SimNetwork::read_peer(SimSocket& socket) {
  if (socket.tls != nullptr) return socket.tls->read();
  if (socket.stalled || socket.closed) return;
  socket.arrived += socket.unread();
  socket.taken.append(socket.in, socket.read);
  socket.passed += socket.in.size();
  socket.in.clear();
  socket.read = 0;
  if (socket.fin) socket.ended = true;
  socket.error = 0;
}

std::vector<std::string> SimNetwork::open_sockets() const {
  std::vector<std::string> open;
  for (const auto& socket : sockets_) {
    if (socket == nullptr || socket->peer) continue;
    open.push_back("socket " + std::to_string(socket->number) + " of " + socket->there.text() +
                   " was never closed");
  }
  return open;
}

}  // namespace weir::testing
