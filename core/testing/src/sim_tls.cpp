#include "sim_tls.hpp"

#include <algorithm>

#include "sim_network.hpp"

namespace weir::testing {

SimTls::SimTls(SimNetwork& network, int socket, TlsEnd::Side side, const TlsPeer& how)
    : network_(network), number_(socket), cut_(how.cut), tls_(side, how), passes_(how.hold_after) {}

SimSocket& SimTls::socket() const { return *network_.find(number_); }

void SimTls::start() { flush(); }

void SimTls::send(std::string_view text, std::size_t chunk) {
  act({Deed::Kind::send, std::string(text), chunk});
}
void SimTls::end() { act({Deed::Kind::end, {}}); }
void SimTls::close() { act({Deed::Kind::close, {}}); }
void SimTls::reset() { act({Deed::Kind::reset, {}}); }
void SimTls::cut(int error) { act({Deed::Kind::cut, {}, TlsPeer::kWhole, error}); }

void SimTls::act(Deed deed) {
  deeds_.push_back(std::move(deed));
  act_on();
}

void SimTls::act_on() {
  while (!deeds_.empty() && may(deeds_.front())) {
    const Deed deed = std::move(deeds_.front());
    deeds_.pop_front();
    perform(deed);
  }
}

// No handshake will be done any more.
bool SimTls::is_over() const {
  const SimSocket& mine = socket();
  return tls_.failed() || mine.dead || mine.closed || (mine.fin && mine.unread() == 0);
}

// A socket that is closed reads no ticket, and the server's would be answered with a reset.
bool SimTls::may(const Deed& deed) const {
  const bool closes = deed.kind != Deed::Kind::send && deed.kind != Deed::Kind::end;
  return is_over() || (closes ? tls_.settled() : tls_.secured());
}

void SimTls::perform(const Deed& deed) {
  SimSocket& mine = socket();
  switch (deed.kind) {
    case Deed::Kind::send:
      if (!tls_.secured() || mine.shut || mine.closed) return;
      for (std::size_t at = 0; at < deed.text.size(); at += deed.chunk) {
        tls_.write(std::string_view(deed.text).substr(at, deed.chunk));
        flush(deed.chunk);
        if (deed.chunk >= deed.text.size() - at) return;
      }
      return;
    case Deed::Kind::end:
      tls_.notify();
      flush();
      return shut_down();
    case Deed::Kind::reset:
      if (mine.local) return perform({Deed::Kind::close, {}});
      return network_.close(mine, true);
    case Deed::Kind::close:  // With unread input it is a reset, and nothing goes before that.
      if (mine.unread() == 0) tls_.notify();
      flush();
      return network_.close(mine, false);
    case Deed::Kind::cut:
      if (SimSocket* const far = network_.other(mine)) network_.break_off(*far, deed.error);
      return;
  }
}

void SimTls::flush(std::size_t chunk) {
  std::string bytes = tls_.ciphertext();
  const std::size_t pass = held_.empty() ? std::min(passes_, bytes.size()) : 0;
  if (passes_ != TlsPeer::kWhole) passes_ -= pass;
  held_.append(bytes, pass);
  bytes.resize(pass);
  network_.append(socket(), bytes, std::min(chunk, cut_));
}

void SimTls::shut_down() {
  fin_held_ = !held_.empty();
  if (!fin_held_) network_.shut_down(socket());
}

void SimTls::read() {
  SimSocket& mine = socket();
  if (mine.closed) return;
  while (mine.unread() > 0 && !mine.closed && (!mine.stalled || !tls_.settled())) {
    const std::size_t took = tls_.feed(std::string_view(mine.in).substr(mine.read));
    raw_.append(mine.in, mine.read, took);
    mine.read += took;
    flush();
    if (tls_.settled() && !std::exchange(counts_, true)) mine.sends = mine.receives = 0;
    const std::string plain = tls_.take();
    mine.taken += plain;
    mine.arrived += plain.size();
    act_on();
  }
  mine.in.erase(0, mine.read);
  mine.passed += mine.read;
  mine.read = 0;
  if (mine.stalled || mine.closed || mine.unread() > 0) return;
  if (mine.fin && !mine.fin_read) {
    mine.fin_read = true;
    tls_.eof();
    mine.ended = tls_.ended();
    mine.was_reset = mine.was_reset || (mine.local && tls_.truncated());
  }
  mine.error = 0;
  act_on();
}

bool SimTls::settle() {
  if (!tls_.secured() || tls_.settled()) return false;
  tls_.settle();
  act_on();
  return true;
}

void SimTls::notify() {
  tls_.notify();
  flush();
}

void SimTls::truncate() { shut_down(); }

void SimTls::send_raw(std::string_view bytes, std::size_t chunk) {
  network_.append(socket(), bytes, std::max<std::size_t>(chunk, 1));
}

std::string SimTls::encrypt(std::string_view text) {
  flush();
  tls_.write(text);
  return tls_.ciphertext();
}

void SimTls::hold(std::size_t after) { passes_ = after; }

void SimTls::release(std::size_t bytes) {
  const std::size_t size = std::min(bytes, held_.size());
  const std::string go = held_.substr(0, size);
  held_.erase(0, size);
  if (bytes == TlsPeer::kWhole) passes_ = bytes;
  network_.append(socket(), go, cut_);
  if (held_.empty() && fin_held_) shut_down();
}

const TlsEnd& PeerTls::state() const { return body_->tls(); }
void PeerTls::notify() { body_->notify(); }
void PeerTls::truncate() { body_->truncate(); }
void PeerTls::send_raw(std::string_view bytes, std::size_t chunk) { body_->send_raw(bytes, chunk); }
std::string PeerTls::encrypt(std::string_view text) { return body_->encrypt(text); }
void PeerTls::hold(std::size_t after) { body_->hold(after); }
std::string PeerTls::held() const { return body_->held(); }
void PeerTls::release(std::size_t bytes) { body_->release(bytes); }
const std::string& PeerTls::raw() const { return body_->raw(); }

void PeerTls::update_keys(bool both) {
  body_->tls().update_keys(both);
  body_->flush();
}

void PeerTls::renegotiate() {
  body_->tls().renegotiate();
  body_->flush();
}

}  // namespace weir::testing
