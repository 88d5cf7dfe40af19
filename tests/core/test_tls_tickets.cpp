// How long a session can be taken up again, and by whose leave.
#include <catch2/catch.hpp>

#include "../../core/src/tls_client.hpp"
#include "../../core/src/tls_server.hpp"
#include "tls_certificates.hpp"
#include "tls_talk.hpp"

using weir::TicketRing;
using weir::TlsServer;
using namespace weir::testing;
using namespace std::chrono_literals;

namespace {

// A listener, and a client that always shows the ticket of its first connection.
class Visits {
 public:
  explicit Visits(int version) : version_(version), client_(plain_client()) {
    SSL_CTX_set_session_cache_mode(client_.get(),
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_set_app_data(client_.get(), this);
    SSL_CTX_sess_set_new_cb(client_.get(), [](SSL* ssl, SSL_SESSION* session) {
      auto* const self = static_cast<Visits*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
      ++self->tickets_;
      if (self->first_) return 0;
      self->first_.reset(session);
      return 1;
    });
    listen.pairs = {{folder.write("server", authority.issue()), folder.path("server.key")}};
    listen.client_ca = folder.write("ca.pem", authority.certificate());
    listen.client_required = false;
    server = TlsServer::open(listen);
  }

  // Whether it was taken up again.
  bool visit() {
    SSL* const ssl = SSL_new(client_.get());
    SSL_set_connect_state(ssl);
    SSL_set_max_proto_version(ssl, version_);
    // A copy: OpenSSL marks what it has used as used.
    const weir::SslSession copy(first_ ? SSL_SESSION_dup(first_.get()) : nullptr);
    if (copy) SSL_set_session(ssl, copy.get());
    const Talk talk(server->make(), ssl);
    CHECK(talk.good());
    const unsigned char* ticket = nullptr;
    std::size_t size = 0;
    SSL_SESSION_get0_ticket(SSL_get_session(ssl), &ticket, &size);
    ticket_.assign(ticket, ticket + size);
    return talk.server().info().resumed;
  }

  int tickets() const { return tickets_; }
  const std::vector<unsigned char>& ticket() const { return ticket_; }  // The newest.

  Folder folder;
  Authority authority;
  weir::TlsListenOptions listen;
  std::shared_ptr<TlsServer> server;

 private:
  int version_;
  weir::SslContext client_;
  weir::SslSession first_;
  int tickets_ = 0;
  std::vector<unsigned char> ticket_;
};

int any_version() { return GENERATE(TLS1_2_VERSION, TLS1_3_VERSION); }

}  // namespace

TEST_CASE("tls tickets: a session is taken up again until its key was changed twice") {
  Visits visits(any_version());
  CHECK_FALSE(visits.visit());
  CHECK(visits.visit());

  visits.server->tickets()->pass(TicketRing::kRotation - 1min);
  CHECK(visits.visit());
  visits.server->tickets()->pass(1min);
  CHECK(visits.visit());
  visits.server->tickets()->pass(TicketRing::kRotation);

  CHECK_FALSE(visits.visit());
}

TEST_CASE("tls tickets: after a long silence no old key is left") {
  Visits visits(any_version());
  visits.visit();

  visits.server->tickets()->pass(2 * TicketRing::kRotation);

  CHECK_FALSE(visits.visit());
}

TEST_CASE("tls tickets: one is given in each handshake") {
  Visits visits(TLS1_3_VERSION);

  visits.visit();
  CHECK(visits.tickets() == 1);
  visits.visit();
  CHECK(visits.tickets() == 2);
}

TEST_CASE("tls tickets: those of a key that was changed since are made anew") {
  Visits visits(TLS1_2_VERSION);
  visits.visit();
  const auto first = visits.ticket();
  visits.visit();
  CHECK(visits.ticket() == first);

  visits.server->tickets()->pass(TicketRing::kRotation);

  CHECK(visits.visit());
  CHECK(visits.ticket() != first);
}

TEST_CASE("tls tickets: they outlive a reload that verifies clients as before") {
  Visits visits(any_version());
  visits.visit();
  visits.folder.write("server", visits.authority.issue());

  visits.server->use(visits.server->load());

  CHECK(visits.visit());
}

TEST_CASE("tls tickets: they end when clients are verified in another way") {
  Visits visits(any_version());
  visits.visit();
  visits.folder.write("ca.pem", Authority("Another").certificate());

  visits.server->use(visits.server->load());

  CHECK_FALSE(visits.visit());
}

TEST_CASE("tls tickets: they are good at the listener that gave them only") {
  Visits visits(any_version());
  visits.visit();

  visits.server = TlsServer::open(visits.listen);

  CHECK_FALSE(visits.visit());
}

TEST_CASE("tls tickets: off, there are none, and nothing is taken up again with TLS 1.3") {
  Visits visits(TLS1_3_VERSION);
  visits.listen.tickets = false;
  visits.server = TlsServer::open(visits.listen);

  CHECK_FALSE(visits.visit());
  CHECK_FALSE(visits.visit());
  CHECK(visits.tickets() == 0);
}
