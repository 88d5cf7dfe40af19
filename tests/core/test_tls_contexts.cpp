// What handshakes of a listener come to: which certificate is shown, which client is let in.
#include <catch2/catch.hpp>

#include <functional>

#include "../../core/src/tls_client.hpp"
#include "../../core/src/tls_names.hpp"
#include "../../core/src/tls_server.hpp"
#include "tls_certificates.hpp"
#include "tls_talk.hpp"

using weir::TlsDialOptions;
using weir::TlsListenOptions;
using weir::TlsServer;
using namespace weir::testing;
using namespace std::chrono_literals;

namespace {

// A listener with what it needs, and a client that trusts it.
struct Site {
  Folder folder;
  Authority authority;
  TlsListenOptions listen;
  TlsDialOptions dial;

  Site() {
    dial.target = "here";
    dial.name = "localhost";
    dial.ca = folder.write("ca.pem", authority.certificate());
  }

  void add(const std::string& file, const Wanted& wanted) {
    const std::string certificate = folder.write(file, authority.issue(wanted));
    listen.pairs.push_back({certificate, folder.path(file + ".key")});
  }

  // The client shows this one.
  void show(const Issued& issued) {
    dial.pair = {folder.write("client", issued), folder.path("client.key")};
  }

  Talk talk() {
    if (listen.pairs.empty()) add("server", {});
    return Talk(*TlsServer::open(listen), *weir::tls_dial(dial));
  }

  // With a client that verifies nothing and may be bent in any way.
  Talk talk_to(const std::function<void(SSL*)>& bend) {
    if (listen.pairs.empty()) add("server", {});
    const weir::SslContext client = plain_client();
    SSL* const ssl = SSL_new(client.get());
    SSL_set_connect_state(ssl);
    bend(ssl);
    return Talk(TlsServer::open(listen)->make(), ssl);
  }

  // The subject of what is shown to who asks for the name.
  std::string shown_to(const std::string& name) {
    const Talk talk = talk_to([&](SSL* ssl) {
      if (!name.empty()) SSL_set_tlsext_host_name(ssl, name.c_str());
    });
    CHECK(talk.good());
    return talk.client().info().peer_certificate;
  }
};

}  // namespace

TEST_CASE("tls names: a wildcard is for one part, and its own name goes before it") {
  CHECK(weir::covers_name("a.example", "A.Example."));
  CHECK(weir::covers_name("*.example", "b.example"));
  CHECK_FALSE(weir::covers_name("*.example", "example"));
  CHECK_FALSE(weir::covers_name("*.example", "a.b.example"));
  CHECK_FALSE(weir::covers_name("*.example", ".example"));
  CHECK_FALSE(weir::covers_name("*.example", "*.example"));
  CHECK_FALSE(weir::covers_name("*a.example", "ba.example"));
  CHECK_FALSE(weir::covers_name("a.example", ""));
  CHECK_FALSE(weir::covers_name("", "example"));

  weir::NameTable table;
  table.add("*.example", 1);
  table.add("a.example", 2);
  CHECK(*table.find("a.EXAMPLE") == weir::NameTable::Numbers{2});
  CHECK(*table.find("b.example.") == weir::NameTable::Numbers{1});
  CHECK(table.find("example") == nullptr);
  CHECK(table.find("*.example") == nullptr);
  std::string longer(250, 'a');
  longer += ".example";
  CHECK(table.find(longer) == nullptr);
}

TEST_CASE("tls: SNI chooses by name, then by wildcard, and else the first") {
  Site site;
  site.add("first", {.common_name = "first", .names = {"first.example"}});
  site.add("wild", {.common_name = "wild", .names = {"*.example"}});
  site.add("exact", {.common_name = "exact", .names = {"exact.example", "alias.test"}});
  site.add("common", {.common_name = "common.test", .names = {}});

  CHECK(site.shown_to("exact.example") == "CN=exact");
  CHECK(site.shown_to("ALIAS.test") == "CN=exact");
  CHECK(site.shown_to("other.example") == "CN=wild");
  CHECK(site.shown_to("common.test") == "CN=common.test");
  CHECK(site.shown_to("deep.other.example") == "CN=first");
  CHECK(site.shown_to("elsewhere") == "CN=first");
  CHECK(site.shown_to("") == "CN=first");
}

TEST_CASE("tls: for one name with keys of two kinds, the client's ability decides") {
  Site site;
  site.add("other", {.names = {"other.example"}});
  site.add("ecdsa", {.common_name = "ecdsa", .names = {"a.example"}});
  site.add("rsa", {.common_name = "rsa", .names = {"a.example"}, .key = KeyKind::rsa});
  const auto shown = [&](const char* algorithms) {
    const Talk talk = site.talk_to([&](SSL* ssl) {
      SSL_set_tlsext_host_name(ssl, "a.example");
      SSL_set1_sigalgs_list(ssl, algorithms);
    });
    return talk.client().info().peer_certificate;
  };

  CHECK(shown("ecdsa_secp256r1_sha256") == "CN=ecdsa");
  CHECK(shown("rsa_pss_rsae_sha256") == "CN=rsa");
}

TEST_CASE("tls: a certificate that no name leads to is a warning") {
  Site site;
  site.add("one", {.names = {"a.example"}});
  site.add("two", {.names = {"a.example"}});

  const auto warnings = TlsServer::open(site.listen)->warnings();

  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], Catch::Contains("two.pem is never shown"));
}

TEST_CASE("tls: what was agreed on is told on both sides") {
  Site site;
  site.listen.rules.alpn = {"b", "a"};
  site.dial.rules.alpn = {"a", "b"};
  site.listen.rules.only_13 = GENERATE(false, true);

  const Talk talk = site.talk();

  REQUIRE(talk.good());
  for (const Talk::End* const end : {&talk.server(), &talk.client()}) {
    CHECK(end->info().version == "TLSv1.3");
    CHECK(end->info().cipher == "TLS_AES_128_GCM_SHA256");
    CHECK(end->info().server_name == "localhost");
    CHECK(end->info().alpn == "b");
    CHECK_FALSE(end->info().resumed);
  }
  CHECK(talk.client().info().peer_certificate == "CN=localhost");
  CHECK(talk.server().info().peer_certificate.empty());
}

TEST_CASE("tls: who offers protocols of which we speak none is refused, who offers none is not") {
  Site site;
  site.listen.rules.alpn = {"h2"};
  CHECK(site.talk().good());

  site.dial.rules.alpn = {"http/1.1", "h"};
  const Talk talk = site.talk();

  CHECK_FALSE(talk.good());
  CHECK(talk.server().said == "the peer offers no ALPN protocol that we speak");
  CHECK(talk.client().said == "the peer refused: alert no application protocol");
}

TEST_CASE("tls: versions before 1.2 are refused, 1.2 too if 1.3 is the least") {
  Site site;
  const auto talk_at = [&](int version) {
    return site.talk_to([&](SSL* ssl) {
      SSL_set_cipher_list(ssl, "ALL:@SECLEVEL=0");
      SSL_set_max_proto_version(ssl, version);
    });
  };

  CHECK(talk_at(TLS1_2_VERSION).good());
  CHECK(talk_at(TLS1_2_VERSION).client().info().version == "TLSv1.2");
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    const Talk old = talk_at(version);
    CHECK(old.server().said == "the peer speaks no version of TLS that we do");
    CHECK(old.client().said == "the peer refused: alert protocol version");
  }
  site.listen.rules.only_13 = true;
  CHECK(talk_at(TLS1_2_VERSION).server().failed);
}

TEST_CASE("tls: weak ciphers are refused, also those without forward secrecy") {
  const char* const cipher = GENERATE("AES128-SHA", "AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA",
                                      "ECDHE-ECDSA-AES128-SHA256", "NULL-SHA256",
                                      "AECDH-AES128-SHA", "PSK-AES128-GCM-SHA256");
  Site site;
  site.add("rsa", {.key = KeyKind::rsa});
  site.add("ecdsa", {});

  const Talk talk = site.talk_to([&](SSL* ssl) {
    SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
    CHECK(SSL_set_cipher_list(ssl, cipher) == 1);
  });

  CHECK_FALSE(talk.good());
}

TEST_CASE("tls: of ciphers, suites and groups those that were written are taken") {
  Site site;
  site.listen.rules.suites = "TLS_CHACHA20_POLY1305_SHA256";
  site.listen.rules.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384";
  site.listen.rules.groups = "P-384";

  const Talk newest = site.talk();
  const Talk older = site.talk_to([](SSL* ssl) { SSL_set_max_proto_version(ssl, TLS1_2_VERSION); });
  const Talk other = site.talk_to([](SSL* ssl) { SSL_set1_groups_list(ssl, "X25519"); });

  REQUIRE(newest.good());
  CHECK(newest.client().info().cipher == "TLS_CHACHA20_POLY1305_SHA256");
  CHECK(SSL_get_negotiated_group(newest.client().ssl.get()) == NID_secp384r1);
  CHECK(older.client().info().cipher == "ECDHE-ECDSA-AES256-GCM-SHA384");
  CHECK(other.server().said == "the peer offers no group that we take");
}

TEST_CASE("tls: a client cannot renegotiate") {
  Site site;
  Talk talk = site.talk_to([](SSL* ssl) { SSL_set_max_proto_version(ssl, TLS1_2_VERSION); });
  REQUIRE(talk.good());
  SSL* const client = talk.client().ssl.get();
  SSL* const server = talk.server().ssl.get();
  char room[16];

  SSL_renegotiate(client);
  SSL_do_handshake(client);
  SSL_read(server, room, sizeof room);
  SSL_do_handshake(client);

  CHECK(SSL_renegotiate_pending(client) == 1);
  CHECK(SSL_num_renegotiations(server) == 0);
  ERR_clear_error();
}

TEST_CASE("tls: clients show certificates, and only a good one is let in") {
  Site site;
  site.listen.client_ca = site.dial.ca;
  const Wanted good{.common_name = "ann", .names = {}, .purpose = Purpose::client};

  SECTION("none") {
    const Talk talk = site.talk();
    CHECK_FALSE(talk.good());
    CHECK(talk.server().said == "the client shows no certificate");
    CHECK(talk.client().said == "the peer refused: alert certificate required");
  }
  SECTION("of another authority") {
    site.show(Authority("Another").issue(good));
    const Talk talk = site.talk();
    CHECK(talk.server().said == "the certificate is of no authority that we trust (CN=ann)");
    CHECK(talk.client().said == "the peer refused: alert unknown ca");
  }
  SECTION("expired") {
    Wanted old = good;
    old.from = -2h;
    old.until = -1h;
    site.show(site.authority.issue(old));
    const Talk talk = site.talk();
    CHECK(talk.server().said == "the certificate has expired (CN=ann)");
    CHECK(talk.client().said == "the peer refused: alert certificate expired");
  }
  SECTION("for servers") {
    site.show(site.authority.issue({.common_name = "a\x1b[2J"}));
    const Talk talk = site.talk();
    CHECK(talk.server().said ==
          "the certificate is not for this side of a connection (CN=a\x1b[2J)");
  }
  SECTION("revoked") {
    const Issued issued = site.authority.issue(good);
    site.show(issued);
    site.listen.crl = site.folder.write("crl.pem", site.authority.revoke({issued.serial}));
    const Talk talk = site.talk();
    CHECK(talk.server().said == "the certificate has been revoked (CN=ann)");
    CHECK(talk.client().said == "the peer refused: alert certificate revoked");
  }
  SECTION("good, though another is revoked") {
    site.show(site.authority.issue(good));
    site.listen.crl = site.folder.write("crl.pem", site.authority.revoke({1, 2, 3}));
    CHECK(site.talk().good());
  }
  SECTION("with a list of revoked ones that has expired") {
    site.show(site.authority.issue(good));
    site.listen.crl = site.folder.write("crl.pem", site.authority.revoke({}, -2h, -1h));
    const Talk talk = site.talk();
    CHECK(talk.server().said == "the list of revoked certificates has expired (CN=ann)");
    REQUIRE(TlsServer::open(site.listen)->warnings().size() == 1);
  }
  SECTION("good, through an authority between") {
    site.show(site.authority.below("Between").issue(good));
    CHECK(site.talk().good());
  }
  SECTION("good") {
    site.show(site.authority.issue(good));
    const Talk talk = site.talk();
    CHECK(talk.good());
    CHECK(talk.server().info().peer_certificate == "CN=ann");
  }
}

TEST_CASE("tls: who comes back is still known by the certificate it showed") {
  Site site;
  site.add("server", {});
  site.listen.client_ca = site.dial.ca;
  site.show(site.authority.issue({.common_name = "ann", .purpose = Purpose::client}));
  const auto server = TlsServer::open(site.listen);
  const Talk first(*server, *weir::tls_dial(site.dial));

  const Talk again(*server, *weir::tls_dial(site.dial));

  CHECK(again.server().info().resumed);
  CHECK(again.server().info().peer_certificate == "CN=ann");
}

TEST_CASE("tls: where a client's certificate is optional, none is good and a bad one is not") {
  Site site;
  site.listen.client_ca = site.dial.ca;
  site.listen.client_required = false;

  CHECK(site.talk().good());
  site.show(Authority("Another").issue({.purpose = Purpose::client}));
  CHECK_FALSE(site.talk().good());
}

TEST_CASE("tls: clients are told whose certificates are taken") {
  Site site;
  site.listen.client_ca = site.dial.ca;

  const Talk talk = site.talk_to([](SSL*) {});

  const STACK_OF(X509_NAME)* const names = SSL_get0_peer_CA_list(talk.client().ssl.get());
  REQUIRE(sk_X509_NAME_num(names) == 1);
}

TEST_CASE("tls: with new material new handshakes have it, and who is there stays") {
  Site site;
  site.add("server", {.common_name = "old"});
  const auto server = TlsServer::open(site.listen);
  const Talk before(*server, *weir::tls_dial(site.dial));
  site.folder.write("server", site.authority.issue({.common_name = "new"}));

  server->use(server->load());
  site.dial.target = "elsewhere";  // With no session to take up.
  const Talk after(*server, *weir::tls_dial(site.dial));

  CHECK(after.client().info().peer_certificate == "CN=new");
  CHECK(before.client().info().peer_certificate == "CN=old");
  char room[8];
  CHECK(SSL_write(before.server().ssl.get(), "more", 4) == 4);
  CHECK(SSL_read(before.client().ssl.get(), room, sizeof room) == 4);
}

TEST_CASE("tls: what is not TLS is called so, and leaves nothing behind") {
  Site site;
  site.add("server", {});
  const auto server = TlsServer::open(site.listen);
  const auto fed = [&](const std::string& text) {
    const weir::SslHandle ssl(server->make());
    BIO* const in = BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
    SSL_set_bio(ssl.get(), in, BIO_new(BIO_s_mem()));
    const int result = SSL_do_handshake(ssl.get());
    std::string said = weir::tls_failure(ssl.get(), SSL_get_error(ssl.get(), result));
    CHECK(ERR_peek_error() == 0);
    return said;
  };

  CHECK_THAT(fed("GET / HTTP/1.0\r\n\r\n"), Catch::Contains("not TLS but an HTTP request"));
  CHECK_THAT(fed("hello, is anybody there?\r\n"), Catch::Contains("not TLS"));
  CHECK_THAT(fed(std::string(16 << 10, '\0')), Catch::Contains("not TLS"));
}
