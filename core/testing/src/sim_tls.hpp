// A peer's TLS over its simulated socket. A peer's verbs wait for the handshake, in their order; until
// it is done the bytes of it pass whatever the peer's own room is, and though it is stalled.
#pragma once

#include <deque>
#include <string>

#include <weir/testing_tls.hpp>

namespace weir::testing {

class SimNetwork;
struct SimSocket;

class SimTls final {
 public:
  SimTls(SimNetwork& network, int socket, TlsEnd::Side side, const TlsPeer& how);

  // --- A peer's verbs.

  void send(std::string_view text, std::size_t chunk);
  void end();
  void close();
  void reset();
  void cut(int error);

  // --- The network's.

  void start();   // A client says hello.
  void read();    // Decrypts what has arrived, and answers what wants an answer.
  bool settle();  // All is quiet, so no ticket is to come. False: nothing changes by that.

  // --- At once, past what waits.

  void notify();
  void truncate();
  void send_raw(std::string_view bytes, std::size_t chunk);
  std::string encrypt(std::string_view text);
  void hold(std::size_t after);
  void release(std::size_t bytes);
  const std::string& held() const { return held_; }
  const std::string& raw() const { return raw_; }
  TlsEnd& tls() { return tls_; }
  void flush(std::size_t chunk = TlsPeer::kWhole);  // Sends what TLS has to say.

 private:
  struct Deed {
    enum class Kind : std::uint8_t { send, end, close, reset, cut } kind;
    std::string text;
    std::size_t chunk = TlsPeer::kWhole;
    int error = 0;
  };

  SimSocket& socket() const;
  void act(Deed deed);
  void act_on();
  bool is_over() const;
  bool may(const Deed& deed) const;
  void perform(const Deed& deed);
  void shut_down();

  SimNetwork& network_;
  const int number_;
  const std::size_t cut_;
  TlsEnd tls_;
  std::deque<Deed> deeds_;
  std::size_t passes_;  // Bytes that may leave before the rest is held.
  std::string held_;
  bool fin_held_ = false;
  bool counts_ = false;  // The system calls of the handshake are not counted.
  std::string raw_;
};

}  // namespace weir::testing
