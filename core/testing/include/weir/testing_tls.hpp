// TLS in the test kit: an implementation's own layer at the far side, which shares no code with the
// product's. With WEIR_TRANSPORT=tls1.2 or tls1.3 in the environment every Net speaks it: what is
// tcp:// and unix:// in a test becomes tls:// and tls+unix:// there, and a peer's verbs mean the
// same. For tests of TLS itself there are a peer's own options and the wire under it.
//
//   weir::testing::Net net({.transport = Transport::tls13});
//   auto& peer = net.connect<Echo>();
//   peer.tls().truncate();
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <weir/tls.hpp>
#include <weir/url.hpp>

namespace weir::testing {

enum class Transport : std::uint8_t { plain, tls12, tls13 };

Transport asked_transport();  // By WEIR_TRANSPORT; throws for a word that is none of them.
const char* name(Transport transport);

// PEM files of an authority that is made once in a process; they go when the process ends.
struct TlsFiles {
  std::string ca;           // Whom to trust.
  std::string certificate;  // For localhost, 127.0.0.1 and ::1, signed by it.
  std::string key;
  std::string client_certificate;  // For a client, "CN = client".
  std::string client_key;
};
const TlsFiles& tls_files();

// What is plain becomes TLS with these files, unless the transport is plain; the rest stays as it is.
Url listen_in(Transport transport, const Url& url);
Url dial_in(Transport transport, const Url& url);

// How the far side speaks TLS.
struct TlsPeer {
  static constexpr auto kWhole = static_cast<std::size_t>(-1);

  Transport version = Transport::tls13;   // It speaks no other.
  std::size_t cut = kWhole;               // Its ciphertext is read in pieces of so many bytes.
  std::size_t hold_after = kWhole;        // So many bytes leave it; then as after PeerTls::hold().
  std::string server_name = "localhost";  // A client asks for it, and checks it.
  bool verify = true;                     // A client's check; a server asks for no certificate.
  bool asks = false;                      // A server asks for a certificate, and needs one.
  std::string certificate = {};           // PEM file. Empty: the kit's; of a client: none.
  std::string key = {};
  std::vector<std::string> alpn = {};
  std::string ciphers = {};  // Of TLS 1.2, in OpenSSL's words, "ALL:@SECLEVEL=0" too.
  std::string suites = {};   // Of TLS 1.3.
  std::string groups = {};
  std::string session = {};  // A client's, to be taken up again: what PeerTls::session() gave.
  bool tickets = false;      // A server gives one.
};

// One end of TLS over any bytes: what has arrived is fed to it, what is to be sent is taken from it.
class TlsEnd final {
 public:
  enum class Side : std::uint8_t { client, server };

  TlsEnd(Side side, const TlsPeer& how);  // A client's hello is there to be taken.
  ~TlsEnd();
  TlsEnd(TlsEnd&& other) noexcept;

  // The rest of one record, or what there is of it; returns how many bytes that was.
  std::size_t feed(std::string_view bytes);
  void eof();                // The bytes have ended.
  std::string ciphertext();  // To be sent, since the last call.

  void write(std::string_view text);  // Once it is secured; dropped after notify().
  void notify();                      // close_notify.
  void update_keys(bool both);        // TLS 1.3.
  void renegotiate();                 // TLS 1.2.
  std::string take();                 // What was decrypted, since the last call.

  bool secured() const;  // The handshake is done.
  bool settled() const;  // And the ticket that follows it has come, if there is one.
  void settle();         // None is to come.
  bool failed() const;
  bool notified() const;   // close_notify has come.
  bool ended() const;      // The end has come behind it, or before there was any TLS;
  bool truncated() const;  // or in the midst of it.

  const std::string& failure() const;  // Why it failed, in OpenSSL's words.
  const std::string& alert() const;    // The last one that came, close_notify aside.
  const std::string& session() const;  // The last one that was given to a client.
  TlsInfo info() const;

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

class SimTls;

// The TLS of a Peer, and the wire under it. Each verb acts at once, whatever the handshake is at.
class PeerTls final {
 public:
  explicit PeerTls(SimTls& body) : body_(&body) {}

  const TlsEnd& state() const;
  bool truncated() const { return state().truncated(); }

  void notify();    // close_notify alone;
  void truncate();  // FIN alone.
  void update_keys(bool both = false);
  void renegotiate();

  void send_raw(std::string_view bytes, std::size_t chunk = TlsPeer::kWhole);  // Past TLS.
  std::string encrypt(std::string_view text);         // The records, which are not sent.
  void hold(std::size_t after = 0);                   // So many bytes more leave; the rest is kept,
  std::string held() const;                           // in here,
  void release(std::size_t bytes = TlsPeer::kWhole);  // until it may go, or so much of it.
  const std::string& raw() const;                     // Every byte that it was sent.

 private:
  SimTls* body_;
};

}  // namespace weir::testing
