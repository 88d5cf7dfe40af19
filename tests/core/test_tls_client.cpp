// The dialling side: whom it believes, and what it comes back with.
#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

#include <weir/url.hpp>

#include "../../core/src/tls_client.hpp"
#include "../../core/src/tls_server.hpp"
#include "tls_certificates.hpp"
#include "tls_talk.hpp"

using weir::TlsDialOptions;
using weir::TlsListenOptions;
using weir::TlsServer;
using namespace weir::testing;
using namespace std::chrono_literals;

namespace {

struct Site {
  Folder folder;
  Authority authority;
  TlsListenOptions listen;
  TlsDialOptions dial;
  std::shared_ptr<TlsServer> server;
  std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now();

  explicit Site(const Wanted& wanted = {}) { open(authority.issue(wanted)); }

  void open(const Issued& issued) {
    listen.pairs = {{folder.write("server", issued), folder.path("server.key")}};
    server = TlsServer::open(listen);
    dial.target = "here";
    dial.name = "localhost";
    dial.ca = folder.write("ca.pem", authority.certificate());
  }

  Talk talk() { return Talk(*server, *weir::tls_dial(dial, now)); }
  bool resumes() { return talk().client().info().resumed; }
};

}  // namespace

TEST_CASE("tls client: a server is believed for its name, or its address") {
  const std::string name = GENERATE("localhost", "LOCALHOST", "127.0.0.1", "::1");
  Site site;
  site.dial.name = name;

  const Talk talk = site.talk();

  CHECK(talk.good());
  const bool is_address = name != "localhost" && name != "LOCALHOST";
  CHECK(talk.server().info().server_name == (is_address ? "" : name));
}

TEST_CASE("tls client: a certificate for another is refused with both names") {
  struct Row {
    const char* name;
    const char* said;
  };
  const Row row = GENERATE(
      Row{"localhost",
          "the certificate is for a.example, *.b.example, f*.example, ..., not for "
          "localhost"},
      Row{"127.0.0.1", "not for 127.0.0.1"}, Row{"b.example", "not for b.example"},
      Row{"x.y.b.example", "not for x.y.b.example"}, Row{"foo.example", "not for foo.example"});
  Site site({.names = {"a.example", "*.b.example", "f*.example", "192.0.2.1"}});
  site.dial.name = row.name;

  const Talk talk = site.talk();

  CHECK_FALSE(talk.good());
  CHECK_THAT(talk.client().said, Catch::EndsWith(row.said));
  CHECK(talk.server().said == "the peer refused: alert bad certificate");
}

TEST_CASE("tls client: a common name alone is no name of a host") {
  Site site({.common_name = "localhost", .names = {}});

  CHECK_FALSE(site.talk().good());
}

TEST_CASE("tls client: of which certificates nothing is believed") {
  SECTION("of an authority that is not ours") {
    Site site;
    site.dial.ca = site.folder.write("other.pem", Authority("Another").certificate());
    CHECK(site.talk().client().said ==
          "the certificate is of no authority that we trust (CN=localhost)");
  }
  SECTION("of nobody, to who trusts the system's authorities") {
    Site site;
    site.dial.ca = "";
    CHECK(site.talk().client().said ==
          "the certificate is of no authority that we trust (CN=localhost)");
  }
  SECTION("self-signed") {
    Site site;
    site.open(self_signed());
    CHECK_THAT(site.talk().client().said,
               Catch::StartsWith("the certificate is its own authority"));
  }
  SECTION("expired") {
    Site site({.from = -2h, .until = -1h});
    CHECK(site.talk().client().said == "the certificate has expired (CN=localhost)");
  }
  SECTION("for clients only") {
    Site site({.purpose = Purpose::client});
    CHECK_THAT(site.talk().client().said, Catch::Contains("not for this side"));
  }
  SECTION("revoked") {
    Site site;
    const Issued issued = site.authority.issue();
    site.open(issued);
    site.dial.crl = site.folder.write("crl.pem", site.authority.revoke({issued.serial}));
    CHECK(site.talk().client().said == "the certificate has been revoked (CN=localhost)");
  }
}

TEST_CASE("tls client: a self-signed certificate is believed where it is the one to trust") {
  Site site;
  const Issued issued = self_signed();
  site.open(issued);
  site.dial.ca = site.folder.write("own.pem", issued.certificate);

  CHECK(site.talk().good());
}

TEST_CASE("tls client: who verifies nothing talks to anybody") {
  Site site({.names = {"a.example"}, .from = -2h, .until = -1h});
  site.dial.verify = false;
  site.dial.ca = "";

  CHECK(site.talk().good());
}

TEST_CASE("tls client: what does not speak TLS is called so") {
  Site site;
  const weir::SslHandle ssl(weir::tls_dial(site.dial)->make());
  const std::string text = "220 mail.example ESMTP\r\n";
  BIO* const in = BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
  SSL_set_bio(ssl.get(), in, BIO_new(BIO_s_mem()));

  const int result = SSL_do_handshake(ssl.get());

  CHECK(weir::tls_failure(ssl.get(), SSL_get_error(ssl.get(), result)) ==
        "what the peer sent is not TLS");
}

TEST_CASE("tls client: bad files are refused with their names") {
  const Folder folder;
  TlsDialOptions options;
  options.name = "x";
  options.ca = folder.path("absent");

  CHECK_THROWS_WITH(weir::tls_dial(options),
                    Catch::StartsWith("cannot use the CA file " + options.ca));
}

TEST_CASE("tls client: a session is used again, with TLS 1.3 once") {
  Site site;
  const auto source = weir::tls_dial(site.dial);
  const auto resumes = [&] { return Talk(*site.server, *source).client().info().resumed; };

  CHECK_FALSE(resumes());
  CHECK(resumes());
  CHECK(resumes());
  // Two at once: the second finds nothing left.
  const weir::SslHandle holds(source->make());
  CHECK_FALSE(resumes());
}

TEST_CASE("tls client: sessions of TLS 1.2 are used by many") {
  Site site;
  const weir::SslContext client = plain_client();
  site.listen.tickets = GENERATE(true, false);
  site.server = TlsServer::open(site.listen);
  SSL_SESSION* session = nullptr;
  for (int i = 0; i < 3; ++i) {
    SSL* const ssl = SSL_new(client.get());
    SSL_set_connect_state(ssl);
    SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
    if (session != nullptr) SSL_set_session(ssl, session);
    const Talk talk(site.server->make(), ssl);
    CHECK(talk.good());
    CHECK(talk.client().info().resumed == (i > 0));
    if (session == nullptr) session = SSL_get1_session(ssl);
  }
  SSL_SESSION_free(session);
}

TEST_CASE("tls client: a session never crosses to another target, name or set of options") {
  Site site;
  site.talk();
  const auto other = GENERATE(0, 1, 2, 3);
  if (other == 0) site.dial.target = "there";
  if (other == 1) site.dial.name = "127.0.0.1";
  if (other == 2) site.dial.verify = false;
  if (other == 3) site.dial.ca = site.folder.write("same.pem", site.authority.certificate());

  CHECK_FALSE(site.resumes());
  CHECK(site.resumes());
}

TEST_CASE("tls client: files are read again when they have changed, and good ones kept till then") {
  Site site;
  CHECK(site.talk().good());
  const Authority another("Another");
  site.listen.pairs = {
      {site.folder.write("server2", another.issue()), site.folder.path("server2.key")}};
  site.server = TlsServer::open(site.listen);
  CHECK_FALSE(site.talk().good());

  site.folder.write("ca.pem", "rubbish");
  site.now += 2s;  // The files are looked at once a second.
  CHECK_NOTHROW(weir::tls_dial(site.dial, site.now));
  site.folder.write("ca.pem", another.certificate());
  CHECK_FALSE(site.talk().good());
  site.now += 2s;

  CHECK(site.talk().good());
}

TEST_CASE("tls upgrade: both roles are made from a handler's options, and kept") {
  const Folder folder;
  const Authority authority;
  weir::TlsOptions server;
  server.certificate = folder.write("server", authority.issue());
  server.key = folder.path("server.key");
  server.ca = folder.write("ca.pem", authority.certificate());
  weir::TlsOptions client;
  client.role = weir::TlsOptions::Role::client;
  client.ca = server.ca;
  client.server_name = "localhost";
  client.certificate = folder.write("client", authority.issue({.purpose = Purpose::client}));
  client.key = folder.path("client.key");

  const auto serving = weir::tls_upgrade(server);
  const auto dialling = weir::tls_upgrade(client);

  CHECK(serving->serves());
  CHECK_FALSE(dialling->serves());
  CHECK(Talk(*serving, *dialling).good());
  CHECK(weir::tls_upgrade(server) == serving);
  CHECK(weir::tls_upgrade(client) == dialling);
  client.server_name = "";
  CHECK_THROWS_WITH(weir::tls_upgrade(client), Catch::Contains("needs the server's name"));
  server.certificate = "";
  CHECK_THROWS_WITH(weir::tls_upgrade(server), Catch::Contains("needs a certificate"));
}

TEST_CASE("tls: loops make connections while the material changes under them", "[loops]") {
  Site site;
  std::atomic<int> done{0};
  std::atomic<int> failed{0};
  const auto loop = [&] {
    for (int i = 0; i < 40; ++i) failed += site.talk().good() ? 0 : 1;
    ++done;
  };
  std::thread one(loop);
  std::thread other(loop);

  while (done < 2) {
    site.server->use(site.server->load());
    site.server->tickets()->pass(weir::TicketRing::kRotation / 2);
  }
  one.join();
  other.join();

  CHECK(failed == 0);
}
