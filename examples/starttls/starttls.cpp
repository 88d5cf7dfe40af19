#include "starttls.hpp"

namespace examples {

void Confidant::on_open(weir::Connection& peer) { peer.write("\"STARTTLS\"\r\nOK\r\n"); }

// What is written before start_tls() leaves in clear, what is written after it is encrypted. Lines that
// came together with STARTTLS are of the clear stream: the connection ends with tls_injection rather
// than take them for secure ones.
void Confidant::on_line(weir::Connection& peer, std::string_view line) {
  weir::Flow flow = weir::Flow::open;
  if (peer.tls() != nullptr) {
    peer.write(line);
    flow = peer.write("\r\n");
  } else if (line == "STARTTLS") {
    flow = peer.write("OK\r\n");
    peer.start_tls(tls_);
  } else {
    flow = peer.write("NO \"not in clear\"\r\n");
  }
  if (flow == weir::Flow::full) peer.pause();
}

void Confidant::on_secure(weir::Connection& peer) {
  peer.write("OK \"" + peer.tls()->version + "\"\r\n");
}

// A certificate that cannot be used is told before anybody connects.
StartTls::StartTls(const Options& options) {
  tls_.certificate = options.cert;
  tls_.key = options.key;
  weir::check(tls_);
}

std::unique_ptr<weir::Handler> StartTls::accept(weir::Connection&) {
  return std::make_unique<Confidant>(tls_);
}

}  // namespace examples
