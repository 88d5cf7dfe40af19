// start_tls() and on_secure: a connection that is open in clear changes to TLS, on either side.
#include <algorithm>

#include <catch2/catch.hpp>

#include <weir/framing.hpp>
#include <weir/testing.hpp>
#include <weir/testing_tls.hpp>

#include "scripted.hpp"

using namespace std::chrono_literals;
using namespace weir;
using testing::TlsEnd;
using testing::TlsPeer;
using testing::Transport;

namespace {

testing::NetOptions plain() {
  testing::NetOptions options;
  options.transport = Transport::plain;
  return options;
}

TlsOptions serving() {
  TlsOptions options;
  options.certificate = testing::tls_files().certificate;
  options.key = testing::tls_files().key;
  return options;
}

TlsOptions asking() {
  TlsOptions options;
  options.role = TlsOptions::Role::client;
  options.ca = testing::tls_files().ca;
  options.server_name = "localhost";
  return options;
}

// "go" changes to TLS; everything is answered in upper case as "got ...", and noted.
struct Upgrading final : Handler {
  explicit Upgrading(Events& seen, TlsOptions options = serving())
      : events(seen), tls(std::move(options)) {}

  std::size_t on_data(Connection& self, Bytes data) override {
    const std::string text(as_text(data));
    events.push_back("data " + text);
    if (text.starts_with("go")) {
      if (before) before(self);
      self.start_tls(tls);
      if (after) after(self);
      return 2;
    }
    self.write("got " + text);
    return data.size();
  }
  void on_secure(Connection& self) override {
    events.push_back("secure");
    if (secured) secured(self);
  }
  void on_close(Connection&, const CloseReason& reason) override {
    code = reason.code;
    events.push_back("close");
  }

  Events& events;
  TlsOptions tls;
  std::function<void(Connection&)> before;
  std::function<void(Connection&)> after;
  std::function<void(Connection&)> secured;
  CloseReason::Code code = CloseReason::Code::ended;
};

std::unique_ptr<Upgrading> upgrading(Events& seen) { return std::make_unique<Upgrading>(seen); }

// Carries bytes between a plain peer and its own TLS until both are quiet; what came in clear before the
// first record is given back.
void talk(testing::Peer& peer, TlsEnd& tls, std::size_t cut = TlsPeer::kWhole) {
  for (int round = 0; round < 8; ++round) {
    peer.send(tls.ciphertext(), cut);
    const std::string bytes = peer.take();
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t fed = tls.feed(bytes.substr(at));
      if (fed == 0) break;
      at += fed;
    }
  }
}

struct Lines final : LineHandler {
  explicit Lines(Events& seen) : events(seen) {}
  void on_line(Connection& self, std::string_view line) override {
    events.push_back("line " + std::string(line));
    if (line == "STARTTLS") self.start_tls(serving());
  }
  void on_secure(Connection&) override { events.push_back("secure"); }
  void on_close(Connection&, const CloseReason& reason) override {
    events.push_back("close " + reason.text());
  }
  Events& events;
};

Transport either() { return GENERATE(Transport::tls12, Transport::tls13); }

}  // namespace

TEST_CASE("upgrade: a server changes an open connection to TLS, however the handshake is cut") {
  const Transport version = either();
  const std::size_t cut = GENERATE(1u, 2u, 7u, 4'096u);
  Events seen;
  testing::Net net(plain());
  auto& peer = net.connect(upgrading(seen));
  peer.send("go");
  TlsEnd tls(TlsEnd::Side::client, {.version = version});

  talk(peer, tls, cut);
  tls.write("secret");
  talk(peer, tls);

  CHECK(seen == Events{"data go", "secure", "data secret"});
  CHECK(tls.take() == "got secret");
  CHECK(peer.connection()->tls()->version == (version == Transport::tls12 ? "TLSv1.2" : "TLSv1.3"));
}

TEST_CASE("upgrade: a client does the same with the server's name checked") {
  Events seen;
  testing::Net net(plain());
  auto& peer = net.connect(std::make_unique<Upgrading>(seen, asking()));
  peer.send("go");
  TlsEnd tls(TlsEnd::Side::server, {});

  talk(peer, tls);
  tls.write("hello");
  talk(peer, tls);

  CHECK(seen == Events{"data go", "secure", "data hello"});
  CHECK(tls.info().server_name == "localhost");
}

TEST_CASE("upgrade: a server with another name is not believed") {
  Events seen;
  testing::Net net(plain());
  TlsOptions options = asking();
  options.server_name = "elsewhere.test";
  auto handler = std::make_unique<Upgrading>(seen, options);
  auto& peer = net.connect(std::move(handler));
  peer.send("go");
  TlsEnd tls(TlsEnd::Side::server, {});

  talk(peer, tls);
  CHECK(tls.alert() == "bad certificate");
  peer.close();
  net.run();

  CHECK(seen == Events{"data go", "close"});
  REQUIRE(peer.reason());
  CHECK(peer.reason()->code == CloseReason::Code::handshake);
}

TEST_CASE(
    "upgrade: what was written before leaves in clear, what is written after it is encrypted") {
  Events seen;
  testing::Net net(plain());
  auto handler = upgrading(seen);
  handler->before = [](Connection& self) { self.write("in clear"); };
  handler->after = [](Connection& self) { self.write("in secret"); };
  auto& peer = net.connect(std::move(handler));

  peer.send("go");
  CHECK(peer.take() == "in clear");
  TlsEnd tls(TlsEnd::Side::client, {});
  talk(peer, tls);

  CHECK(tls.take() == "in secret");
}

TEST_CASE("upgrade: what was written before leaves first though the peer takes it late") {
  Events seen;
  testing::Net net(plain());
  auto handler = upgrading(seen);
  handler->before = [](Connection& self) { self.write(std::string(100'000, 'x')); };
  auto& peer = net.connect(std::move(handler));
  peer.stall();
  peer.send("go");
  CHECK(peer.connection()->securing());

  peer.unstall();
  net.run();
  CHECK(peer.take() == std::string(100'000, 'x'));
  TlsEnd tls(TlsEnd::Side::client, {});
  talk(peer, tls);

  CHECK(seen.back() == "secure");
}

TEST_CASE("upgrade: bytes behind the word that changes to TLS are an injection") {
  Events seen;
  testing::Net net(plain());
  auto& peer = net.connect(upgrading(seen));

  peer.send("goLEAVE 1");

  CHECK(seen == Events{"data goLEAVE 1", "close"});
  REQUIRE(peer.reason());
  CHECK(peer.reason()->code == CloseReason::Code::tls_injection);
}

TEST_CASE("upgrade: a line behind STARTTLS is an injection, and is not seen") {
  Events seen;
  testing::Net net(plain());
  auto& peer = net.connect(std::make_unique<Lines>(seen));

  SECTION("as a whole") { peer.send("STARTTLS\r\nDROP\r\n"); }
  SECTION("in part") { peer.send("STARTTLS\r\nD"); }
  SECTION("with lines in front") { peer.send("one\nSTARTTLS\nDROP\n"); }

  CHECK(std::count(seen.begin(), seen.end(), "line DROP") == 0);
  REQUIRE(peer.reason());
  CHECK(peer.reason()->code == CloseReason::Code::tls_injection);
}

TEST_CASE("upgrade: a line that comes after STARTTLS and before the handshake is no TLS") {
  Events seen;
  testing::Net net(plain());
  auto& peer = net.connect(std::make_unique<Lines>(seen));

  peer.send("STARTTLS\r\n");
  peer.send("DROP\r\n");
  peer.close();
  net.run();

  CHECK(std::count(seen.begin(), seen.end(), "line DROP") == 0);
  REQUIRE(peer.reason());
  CHECK(peer.reason()->code == CloseReason::Code::handshake);
}

TEST_CASE("upgrade: input that was kept from before is an injection too") {
  Events seen;
  testing::Net net(plain());
  auto handler = scripted(seen);
  handler->data = use_nothing;
  auto& peer = net.connect(std::move(handler));
  peer.send("early");

  peer.connection()->start_tls(serving());
  net.run();

  REQUIRE(peer.reason());
  CHECK(peer.reason()->code == CloseReason::Code::tls_injection);
}

TEST_CASE("upgrade: it happens once, and on an open connection only") {
  Events seen;
  testing::Net net(plain());
  auto& peer = net.connect(scripted(seen));
  auto& ended = net.connect(scripted(seen));
  auto& closed = net.connect(scripted(seen));
  Connection& first = *peer.connection();

  first.start_tls(serving());
  CHECK_THROWS_AS(first.start_tls(serving()), SetupError);
  ended.connection()->end();
  CHECK_THROWS_AS(ended.connection()->start_tls(serving()), SetupError);
  closed.connection()->close();
  CHECK_NOTHROW(closed.connection()->start_tls(serving()));
}

TEST_CASE("upgrade: options that cannot be used throw, and the connection stays as it is") {
  Events seen;
  testing::Net net(plain());
  auto& peer = net.connect(upgrading(seen));
  TlsOptions options = serving();
  options.key = testing::tls_files().client_key;

  CHECK_THROWS_AS(peer.connection()->start_tls(options), SetupError);
  CHECK_FALSE(peer.connection()->securing());
  peer.send("hello");

  CHECK(peer.take() == "got hello");
}

TEST_CASE("upgrade: a peer that says nothing more is not waited for beyond the handshake's time") {
  Events seen;
  testing::NetOptions options = plain();
  options.timeouts.handshake = 2s;
  testing::Net net(options);
  auto& peer = net.connect(upgrading(seen));
  peer.send("go");

  net.advance(1'900ms);
  CHECK(peer.connection() != nullptr);
  net.advance(300ms);
  peer.close();
  net.run();

  REQUIRE(peer.reason());
  CHECK(peer.reason()->code == CloseReason::Code::handshake);
}

TEST_CASE("upgrade: a connection closed in on_secure says close_notify") {
  Events seen;
  testing::Net net(plain());
  auto handler = upgrading(seen);
  handler->secured = [](Connection& self) {
    self.write("bye");
    self.close();
  };
  auto& peer = net.connect(std::move(handler));
  peer.send("go");
  TlsEnd tls(TlsEnd::Side::client, {});

  talk(peer, tls);

  CHECK(tls.take() == "bye");
  CHECK(tls.notified());
  CHECK(peer.ended());
}
