#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#include <weir/testing.hpp>
#include <weir/testing_tls.hpp>

#include "starttls.hpp"

using namespace weir;
using namespace examples;
using testing::TlsEnd;

namespace {

OptionValues with_certificate() {
  const testing::TlsFiles& files = testing::tls_files();
  return {{"cert", {files.certificate}}, {"key", {files.key}}};
}

// Carries what either side has to say until both are quiet.
void talk(testing::Peer& peer, TlsEnd& tls) {
  for (int round = 0; round < 8; ++round) {
    peer.send(tls.ciphertext());
    const std::string bytes = peer.take();
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t fed = tls.feed(bytes.substr(at));
      if (fed == 0) break;
      at += fed;
    }
  }
}

}  // namespace

TEST_CASE("starttls: nothing is told in clear") {
  testing::Net net;
  auto& peer = net.connect(kStartTls, with_certificate());
  CHECK(peer.take() == "\"STARTTLS\"\r\nOK\r\n");

  peer.send("secret\n");

  CHECK(peer.take() == "NO \"not in clear\"\r\n");
}

TEST_CASE("starttls: after the change lines are answered, and nobody between can read them") {
  testing::Net net;
  auto& peer = net.connect(kStartTls, with_certificate());
  peer.take();
  peer.send("STARTTLS\r\n");
  CHECK(peer.take() == "OK\r\n");
  TlsEnd tls(TlsEnd::Side::client, {});
  talk(peer, tls);
  CHECK(tls.take() == "OK \"TLSv1.3\"\r\n");

  tls.write("secret\r\n");
  talk(peer, tls);

  CHECK(tls.take() == "secret\r\n");
}

TEST_CASE("starttls: a line that came with STARTTLS is not taken for a secure one") {
  testing::Net net;
  auto& peer = net.connect(kStartTls, with_certificate());
  peer.take();

  peer.send("STARTTLS\r\nsecret\r\n");

  REQUIRE(peer.reason());
  CHECK(peer.reason()->code == CloseReason::Code::tls_injection);
}

TEST_CASE("starttls: without a usable certificate there is no service") {
  testing::Net net;

  CHECK_THROWS_AS(net.connect(kStartTls, {{"cert", {"/none.pem"}}}), SetupError);
}
