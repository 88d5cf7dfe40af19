// Two ends of TLS in memory: a handshake as far as it goes, and what each end says of it.
#pragma once

#include <array>
#include <string>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "../../core/src/tls_error.hpp"
#include "../../core/src/tls_handle.hpp"
#include "../../core/src/tls_info.hpp"
#include "../../core/src/tls_source.hpp"

namespace weir::testing {

// A client of OpenSSL's own making, for what ours would not do.
inline SslContext plain_client() {
  SslContext context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
  return context;
}

class Talk {
 public:
  struct End {
    SslHandle ssl;
    bool done = false;
    bool failed = false;
    std::string said;  // Why it failed.
    std::string got;

    TlsInfo info() const { return tls_info(ssl.get()); }
  };

  Talk(TlsSource& server, TlsSource& client) : Talk(server.make(), client.make()) {}

  // Takes both over.
  Talk(SSL* server, SSL* client) {
    server_.ssl.reset(server);
    client_.ssl.reset(client);
    BIO* const up = BIO_new(BIO_s_mem());
    BIO* const down = BIO_new(BIO_s_mem());
    BIO_up_ref(up);
    BIO_up_ref(down);
    SSL_set_bio(server, up, down);
    SSL_set_bio(client, down, up);
    // Each round lets both ends take what the other sent; no handshake has more than these.
    for (int round = 0; round < 10; ++round) {
      step(client_);
      step(server_);
    }
    if (server_.done && !server_.failed) say(server_, "x");
    step(client_);
    step(server_);
  }

  // As connections end that have said goodbye: after others their sessions are not taken up again.
  ~Talk() {
    for (End* const end : {&server_, &client_}) {
      if (!end->failed) SSL_set_shutdown(end->ssl.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
  }
  Talk(const Talk&) = delete;
  Talk& operator=(const Talk&) = delete;

  bool good() const { return server_.done && client_.got == "x" && !server_.failed; }
  const End& server() const { return server_; }
  const End& client() const { return client_; }

  static void say(End& end, const std::string& text) {
    SSL_write(end.ssl.get(), text.data(), static_cast<int>(text.size()));
  }

 private:
  static void step(End& end) {
    if (end.failed) return;
    ERR_clear_error();
    std::array<char, 256> room{};
    const int result = end.done ? SSL_read(end.ssl.get(), room.data(), room.size())
                                : SSL_do_handshake(end.ssl.get());
    const int error = SSL_get_error(end.ssl.get(), result);
    if (error == SSL_ERROR_NONE) {
      if (end.done) end.got.append(room.data(), static_cast<std::size_t>(result));
      end.done = true;
      return;
    }
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return;
    end.failed = true;
    end.said = tls_failure(end.ssl.get(), error);
  }

  End server_;
  End client_;
};

}  // namespace weir::testing
