// What a listener's files must be, and what is said when they are not.
#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <weir/url.hpp>

#include "../../core/src/tls_server.hpp"
#include "tls_certificates.hpp"
#include "tls_talk.hpp"

using weir::SetupError;
using weir::TlsListenOptions;
using weir::TlsServer;
using weir::Url;
using namespace weir::testing;
using namespace std::chrono_literals;

namespace {

// Why the options are refused; "accepted" if they are not.
std::string refusal(const TlsListenOptions& options,
                    SetupError::Kind kind = SetupError::Kind::usage) {
  try {
    TlsServer::open(options);
  } catch (const SetupError& wrong) {
    CHECK(wrong.kind() == kind);
    return wrong.what();
  }
  return "accepted";
}

TlsListenOptions options_of(const std::string& certificate, const std::string& key) {
  TlsListenOptions options;
  options.pairs = {{certificate, key}};
  return options;
}

// Of one pair, written as it was issued.
TlsListenOptions written(const Folder& folder, const Issued& issued) {
  const std::string file = folder.write("server", issued);
  return options_of(file, folder.path("server.key"));
}

}  // namespace

TEST_CASE("tls material: keys of every kind are taken") {
  const KeyKind kind = GENERATE(KeyKind::ecdsa, KeyKind::rsa, KeyKind::ed25519);
  const Folder folder;
  const Authority authority;

  const auto server = TlsServer::open(written(folder, authority.issue({.key = kind})));

  REQUIRE(server->certificates().size() == 1);
  CHECK(server->warnings().empty());
}

TEST_CASE("tls material: a certificate tells its file, subject, names and times") {
  const Folder folder;
  const Authority authority;

  const auto server = TlsServer::open(written(
      folder, authority.issue({.common_name = "Bj\xc3\xb6rn\n", .names = {"A.example", "::1"}})));

  const weir::TlsCertificate told = server->certificates().front();
  CHECK(told.file == folder.path("server.pem"));
  CHECK(told.subject == "CN=Bj\xc3\xb6rn\\n");
  CHECK(told.names == std::vector<std::string>{"a.example", "::1"});
  CHECK(told.not_before < std::chrono::system_clock::now());
  CHECK(told.not_after > std::chrono::system_clock::now() + 24h * 89);
}

TEST_CASE("tls material: the key may be in the certificate's file") {
  const Folder folder;
  const Issued issued = Authority().issue();
  const std::string file = folder.write("both.pem", issued.certificate + issued.key);

  CHECK(refusal(options_of(file, file)) == "accepted");
  const std::string other = folder.write("other.pem", issued.key + issued.certificate);
  CHECK(refusal(options_of(other, other)) == "accepted");
}

TEST_CASE("tls material: a certificate without a key in it, and none beside it, is told so") {
  const Folder folder;
  const std::string file = folder.write("public.pem", Authority().issue().certificate, 0644);

  CHECK(refusal(options_of(file, file)) ==
        "cannot use the certificate " + file +
            ": its key is not in it, and no other file is named for that");
}

TEST_CASE("tls material: what is missing is named with the system's reason") {
  const Folder folder;
  TlsListenOptions options = written(folder, Authority().issue());
  const std::string absent = folder.path("absent");

  CHECK(refusal(options_of(absent, absent)) ==
        "cannot use the certificate " + absent + ": No such file or directory");
  CHECK_THAT(refusal(options_of(options.pairs[0].certificate, absent)),
             Catch::StartsWith("cannot use the key " + absent));
  options.client_ca = absent;
  CHECK_THAT(refusal(options), Catch::StartsWith("cannot use the CA file " + absent));
  options.client_ca = options.pairs[0].certificate;
  options.crl = absent;
  CHECK_THAT(refusal(options), Catch::StartsWith("cannot use the CRL " + absent));
  options.passphrase = absent;
  CHECK_THAT(refusal(options), Catch::StartsWith("cannot use the passphrase " + absent));
}

TEST_CASE("tls material: what holds no certificate says what it holds") {
  struct Row {
    const char* text;
    const char* said;
  };
  const Row row =
      GENERATE(Row{"", "it is empty"}, Row{"hello\n", "it is not PEM"},
               Row{"-----BEGIN X-----\nAAAA\n-----END X-----\n", "there is no certificate in it"},
               Row{"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "is damaged"});
  const Folder folder;
  TlsListenOptions options = written(folder, Authority().issue());
  const std::string file = folder.write("x", row.text);

  CHECK_THAT(refusal(options_of(file, options.pairs[0].key)), Catch::Contains(row.said));
  options.client_ca = file;
  CHECK_THAT(refusal(options), Catch::Contains("CA file") && Catch::Contains(row.said));
}

TEST_CASE("tls material: what holds no key says what it holds") {
  struct Row {
    const char* text;
    const char* said;
  };
  const Row row = GENERATE(
      Row{"", "it is empty"}, Row{"hello\n", "it is not PEM"},
      Row{"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no private key"});
  const Folder folder;
  const TlsListenOptions options = written(folder, Authority().issue());

  CHECK_THAT(refusal(options_of(options.pairs[0].certificate, folder.write("x", row.text))),
             Catch::Contains("the key") && Catch::Contains(row.said));
}

TEST_CASE("tls material: a key of another certificate is refused") {
  const Folder folder;
  const Authority authority;
  const std::string certificate = folder.write("one", authority.issue());
  folder.write("other", authority.issue());

  CHECK(refusal(options_of(certificate, folder.path("other.key"))) ==
        "cannot use the key " + folder.path("other.key") +
            ": it does not belong to the certificate " + certificate);
}

TEST_CASE("tls material: a key is its owner's, or a group may read it") {
  struct Row {
    unsigned mode;
    const char* said;
  };
  const Row row =
      GENERATE(Row{0600, "accepted"}, Row{0400, "accepted"}, Row{0640, "accepted"},
               Row{0644, "others can read it (mode 0644); to mend that: chmod 600 "},
               Row{0604, "others can read"}, Row{0660, "others can write"}, Row{0602, "write"});
  const Folder folder;
  const TlsListenOptions options = written(folder, Authority().issue());
  ::chmod(options.pairs[0].key.c_str(), row.mode);

  CHECK_THAT(refusal(options), Catch::Contains(row.said));
}

TEST_CASE("tls material: an encrypted key needs its passphrase, from a file") {
  const Folder folder;
  TlsListenOptions options = written(folder, Authority().issue());
  const Issued issued = Authority().issue();
  options = written(folder, {issued.certificate, encrypted(issued.key, "open sesame"), 0});

  CHECK_THAT(refusal(options), Catch::Contains("it is encrypted; name a file that holds"));
  options.passphrase = folder.write("wrong", "sesame\n");
  CHECK_THAT(refusal(options), Catch::Contains("the passphrase does not open it"));
  options.passphrase = folder.write("empty", "\nopen sesame");
  CHECK_THAT(refusal(options), Catch::Contains("its first line is empty"));
  options.passphrase = folder.write("readable", "open sesame", 0644);
  CHECK_THAT(refusal(options), Catch::Contains("others can read it"));
  options.passphrase = folder.write("right", "open sesame\nand more\n");
  CHECK(refusal(options) == "accepted");
}

TEST_CASE("tls material: a weak key is refused with its size") {
  const Folder folder;
  const Authority authority;

  CHECK_THAT(refusal(written(folder, authority.issue({.key = KeyKind::rsa_1024}))),
             Catch::Contains("too weak (1024 bits), expected at least 2048 bits of RSA"));
}

TEST_CASE("tls material: what is not yet valid is refused, with when it will be") {
  const Folder folder;

  CHECK_THAT(refusal(written(folder, Authority().issue({.from = 1h}))),
             Catch::Contains("it is not valid before 2") && Catch::Contains("UTC"));
}

TEST_CASE("tls material: what has expired is a warning, or refused if asked to") {
  const Folder folder;
  TlsListenOptions options = written(folder, Authority().issue({.from = -2h, .until = -1h}));

  const auto warnings = TlsServer::open(options)->warnings();
  REQUIRE(warnings.size() == 1);
  CHECK_THAT(warnings[0], Catch::StartsWith("certificate " + options.pairs[0].certificate +
                                            ": it expired on 2"));
  options.refuse_expired = true;
  CHECK_THAT(refusal(options), Catch::Contains("it expired on 2"));
}

TEST_CASE("tls material: what soon expires is a warning") {
  const Folder folder;

  const auto server = TlsServer::open(written(folder, Authority().issue({.until = 24h * 29})));

  REQUIRE(server->warnings().size() == 1);
  CHECK_THAT(server->warnings()[0], Catch::Contains("it expires on 2"));
}

TEST_CASE("tls material: what every client would refuse is a warning") {
  const Folder folder;

  const auto nameless = TlsServer::open(written(folder, Authority().issue({.names = {}})));
  REQUIRE(nameless->warnings().size() == 1);
  CHECK_THAT(nameless->warnings()[0], Catch::Contains("a common name counts for nothing"));
  const auto other =
      TlsServer::open(written(folder, Authority().issue({.purpose = Purpose::client})));
  REQUIRE(other->warnings().size() == 1);
  CHECK_THAT(other->warnings()[0], Catch::Contains("is not for servers"));
}

TEST_CASE("tls material: words that OpenSSL does not know or would not use are refused") {
  struct Row {
    std::string weir::TlsRules::*list;
    const char* value;
    const char* said;
  };
  using Rules = weir::TlsRules;
  const Row row = GENERATE(
      Row{&Rules::ciphers, "ECDHE-RSA-AES128-GCM-SHA256:NOPE", "cipher of TLS 1.2 \"NOPE\""},
      Row{&Rules::ciphers, "HIGH", "\"HIGH\""}, Row{&Rules::ciphers, "!aNULL", "\"!aNULL\""},
      Row{&Rules::ciphers, "NULL-SHA256", "\"NULL-SHA256\""},
      Row{&Rules::ciphers, "ECDHE-RSA-AES128-GCM-SHA256", "accepted"},
      Row{&Rules::suites, "TLS_NOPE", "suite of TLS 1.3 \"TLS_NOPE\""},
      Row{&Rules::suites, "TLS_AES_128_GCM_SHA256", "accepted"},
      Row{&Rules::groups, "P-256:nope", "group \"nope\""},
      Row{&Rules::groups, "X25519:P-521", "accepted"});
  const Folder folder;
  TlsListenOptions options = written(folder, Authority().issue());
  options.rules.*row.list = row.value;

  CHECK_THAT(refusal(options), Catch::Contains(row.said));
}

TEST_CASE("tls material: a change of any file is noticed, until it is loaded") {
  const Folder folder;
  const Authority authority;
  TlsListenOptions options = written(folder, authority.issue());
  options.client_ca = folder.write("ca.pem", authority.certificate());
  const auto server = TlsServer::open(options);
  CHECK_FALSE(server->changed());

  const std::string name = GENERATE("server.key", "server.pem", "ca.pem");
  if (name == "ca.pem") folder.write("ca.pem", authority.certificate() + '\n');
  if (name != "ca.pem") written(folder, authority.issue());
  CHECK(server->changed());

  server->use(server->load());
  CHECK_FALSE(server->changed());
}

TEST_CASE("tls material: a reload of bad files throws and changes nothing") {
  const Folder folder;
  const Authority authority;
  const auto server = TlsServer::open(written(folder, authority.issue({.common_name = "old"})));
  folder.write("server.pem", "rubbish");

  CHECK_THROWS_AS(server->load(), SetupError);
  CHECK(server->certificates().front().subject == "CN=old");
  CHECK(weir::SslHandle(server->make()) != nullptr);
}

TEST_CASE("tls options: a URL says which side a key is for, and what is missing") {
  struct Row {
    const char* url;
    const char* said;
  };
  const auto said_of = [](auto read, const char* url) -> std::string {
    try {
      read(Url::parse(url));
    } catch (const SetupError& wrong) {
      return wrong.what();
    }
    return "accepted";
  };
  const auto listen = [](const Url& url) { weir::tls_listen_options(url); };
  const auto dial = [](const Url& url) { weir::tls_dial_options(url); };
  const Row listening = GENERATE(
      Row{"tls://x:1", "expected cert=FILE"}, Row{"tls://x:1?cert=a&ca=b", "ca is for dialling"},
      Row{"tls://x:1?cert=a&verify=on", "for dialling"},
      Row{"tls://x:1?key=a", "without its cert="}, Row{"tls://x:1?cert=a&crl=b", "client-ca"},
      Row{"tls://x:1?cert=a&client-cert=optional", "client-ca"},
      Row{"tls+unix:///x?cert=a&key=b&cert=c", "accepted"});
  CHECK_THAT(said_of(listen, listening.url), Catch::Contains(listening.said));
  const Row dialling = GENERATE(
      Row{"tls://x:1", "accepted"}, Row{"tls://x:1?expired=warn", "expired is for listening"},
      Row{"tls://x:1?client-ca=a", "for listening"}, Row{"tls+unix:///x", "expected name=NAME"},
      Row{"tls+unix:///x?verify=off", "accepted"}, Row{"tls+unix:///x?name=a", "accepted"},
      Row{"tls://x:1?name=.example.org", "\".example.org\" is no name in a certificate"},
      Row{"tls://x:1?name=a b", "is no name"}, Row{"tls://x:1?name=::1", "accepted"},
      Row{"tls://x:1?cert=a&cert=b", "not several"});
  CHECK_THAT(said_of(dial, dialling.url), Catch::Contains(dialling.said));
}

TEST_CASE("tls options: the n-th key belongs to the n-th certificate, else to its file") {
  const auto options =
      weir::tls_listen_options(Url::parse("tls://x:1?cert=a&cert=b&key=k&alpn=h2&tls-min=1.3"));

  CHECK(options.pairs == std::vector<weir::TlsPair>{{"a", "k"}, {"b", "b"}});
  CHECK(options.rules.alpn == std::vector<std::string>{"h2"});
  CHECK(options.rules.only_13);
}

TEST_CASE("tls options: the name to check is the host, or what name= says") {
  const auto name = [](const char* url) { return weir::tls_dial_options(Url::parse(url)).name; };

  CHECK(name("tls://example.org:1") == "example.org");
  CHECK(name("tls://example.org.:1") == "example.org");
  CHECK(name("tls://:1") == "localhost");
  CHECK(name("tls://[fe80::1%eth0]:1") == "fe80::1");
  CHECK(name("tls://example.org:1?name=other.org") == "other.org");
}
