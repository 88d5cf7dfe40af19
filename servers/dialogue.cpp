#include "dialogue.hpp"

#include <unistd.h>

#include <cerrno>
#include <system_error>

#include <weir/text.hpp>
#include <weir/tls.hpp>

#include "terminal.hpp"

namespace weir::program {

namespace {

// A peer that has ended may still want the rest of a file, or may be gone for good: the two look the
// same. So the input goes on for as long as more of it comes.
constexpr Millis kInputPause{1'000};

std::string text_of(int error) { return std::generic_category().message(error); }

std::string with_error(const std::string& sentence, int error) {
  return error == 0 ? sentence : sentence + ": " + text_of(error);
}

std::string text_of(Millis time) {
  const bool whole = time.count() % 1'000 == 0;
  return whole ? std::to_string(time.count() / 1'000) + " s" : std::to_string(time.count()) + " ms";
}

}  // namespace

Dialogue::Dialogue(const Plan& plan, Outcome& outcome, std::function<void()> done)
    : plan_(plan), outcome_(outcome), done_(std::move(done)), input_(*this) {}

void Dialogue::on_open(Connection& peer) {
  opened_ = true;
  // Its silence is for the person or program at this end to judge.
  peer.set_idle(Millis{0});
  // Both sides waiting for the other to read would wait for ever. Here reading costs no memory:
  // standard output takes what comes, or blocks.
  peer.hold_reads_when_full(false);
  if (plan_.message) {
    input_ended_ = true;
    peer.write(*plan_.message);
    peer.end();
  } else {
    input_.start(peer.ref());
  }
}

std::size_t Dialogue::on_data(Connection& peer, Bytes data) {
  const int error = write_all(STDOUT_FILENO, as_text(data));
  if (error == EPIPE) {
    give_up(peer, kDone, "");  // The reader has seen enough: "weir connect URL | head -1".
  } else if (error != 0) {
    give_up(peer, kSystem, "cannot write standard output: " + text_of(error));
  }
  return data.size();
}

void Dialogue::on_eof(Connection& peer, Bytes) {
  peer_ended_ = true;
  if (input_ended_ || isatty(STDIN_FILENO) == 1) return peer.close();
  wait_for_more(peer);
}

void Dialogue::wait_for_more(Connection& peer) {
  quiet_ = peer.loop().after(kInputPause, [this, &peer] {
    if (room_) return peer.close();
    wait_for_more(peer);  // It is the peer who is slow, and for that there is a timeout.
  });
}

void Dialogue::on_drain(Connection&) {
  room_ = true;
  input_.on_drain();
}

Flow Dialogue::on_input(Connection& peer, std::string_view chunk) {
  const Flow flow = peer.write(chunk);
  room_ = flow == Flow::open;
  if (peer_ended_) wait_for_more(peer);
  return flow;
}

void Dialogue::on_input_end(Connection& peer, int error) {
  input_ended_ = true;
  if (error != 0) {
    give_up(peer, kNoInput, "cannot read standard input: " + text_of(error));
  } else if (peer_ended_) {
    peer.close();
  } else {
    peer.end();
  }
}

void Dialogue::give_up(Connection& peer, Exit code, std::string sentence) {
  gave_up_ = true;
  outcome_ = {code, std::move(sentence)};
  peer.abort();
}

void Dialogue::on_close(Connection& peer, const CloseReason& reason) {
  quiet_.cancel();
  if (peer.tls() != nullptr) tls_failure_ = peer.tls()->failure;
  if (!gave_up_) outcome_ = judge(reason);
  done_();
}

Outcome Dialogue::judge(const CloseReason& reason) const {
  using Code = CloseReason::Code;
  const std::string url = escape(plan_.connect.to.text());
  const bool forbidden = reason.error == EACCES || reason.error == EPERM;
  switch (reason.code) {
    case Code::ended:
    case Code::linger:
      return {};
    case Code::unresolved:
      return {kUnresolved, with_error("cannot find an address for the host \"" +
                                          escape(plan_.connect.to.host()) + "\" of " + url,
                                      reason.error)};
    case Code::connect_refused:
      return {forbidden ? kPermission : kUnavailable,
              with_error("cannot connect to " + url, reason.error)};
    case Code::connect_timeout:
      return {kTimeout,
              "cannot connect to " + url + ": no answer within " + text_of(plan_.connect.timeout)};
    case Code::no_local_port:
      return {kSystem,
              with_error("cannot connect to " + url + ", no local port is free", reason.error)};
    case Code::limit:
      return {kSystem, with_error("cannot connect to " + url, reason.error)};
    case Code::handshake:
      return {reason.error == ETIMEDOUT ? kTimeout : kProtocol,
              "cannot secure the connection to " + url + ": " +
                  (tls_failure_.empty() ? reason.text() : tls_failure_)};
    case Code::tls:
    case Code::tls_truncated:
      return {kProtocol, "the connection to " + url + " is not secure any more: " +
                             (tls_failure_.empty() ? reason.text() : tls_failure_)};
    case Code::write_stall:
      return {kTimeout, url + " has stopped reading"};
    case Code::reset:
      return {opened_ ? kProtocol : kUnavailable,
              with_error(url + (opened_ ? " reset the connection" : " cannot be connected to"),
                         reason.error)};
    default:
      return {kInternal, "the connection to " + url + " ended: " + reason.text()};
  }
}

}  // namespace weir::program
