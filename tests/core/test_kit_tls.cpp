// The kit's own TLS: what every case over tls:// relies on. Here both ends are its own.
#include <algorithm>

#include <catch2/catch.hpp>

#include <weir/testing.hpp>
#include <weir/testing_tls.hpp>

#include "scripted.hpp"

using namespace weir;
using testing::TlsEnd;
using testing::TlsPeer;
using testing::Transport;

namespace {

// Two ends, and every byte that went over the wire.
struct Wire {
  explicit Wire(const TlsPeer& how = {}) : Wire(how, how) {}
  Wire(const TlsPeer& client_how, const TlsPeer& server_how)
      : client(TlsEnd::Side::client, client_how), server(TlsEnd::Side::server, server_how) {
    run();
  }

  static void carry(TlsEnd& from, TlsEnd& to, std::string& seen) {
    const std::string bytes = from.ciphertext();
    seen += bytes;
    for (std::size_t at = 0; at < bytes.size();) at += to.feed(bytes.substr(at, 100));
  }

  void run() {
    for (int round = 0; round < 8; ++round) {
      carry(client, server, up);
      carry(server, client, down);
    }
  }

  TlsEnd client;
  TlsEnd server;
  std::string up;
  std::string down;
};

testing::NetOptions in(Transport transport) {
  testing::NetOptions options;
  options.transport = transport;
  return options;
}

struct Echo final : Handler {
  std::size_t on_data(Connection& self, Bytes data) override {
    self.write(data);
    return data.size();
  }
};

Transport either() { return GENERATE(Transport::tls12, Transport::tls13); }

}  // namespace

TEST_CASE("kit: two ends of TLS agree on the version that was asked, and carry bytes") {
  const Transport version = either();
  Wire wire(TlsPeer{.version = version});
  REQUIRE(wire.client.secured());
  REQUIRE(wire.server.secured());

  wire.client.write("hello");
  wire.server.write(std::string(100'000, 'x'));
  wire.run();

  CHECK(wire.server.take() == "hello");
  CHECK(wire.client.take() == std::string(100'000, 'x'));
  CHECK(wire.client.info().version == (version == Transport::tls12 ? "TLSv1.2" : "TLSv1.3"));
  CHECK(wire.server.info().server_name == "localhost");
  CHECK(wire.up.find("hello") == std::string::npos);
}

TEST_CASE("kit: an end of TLS takes one record at a time") {
  Wire wire;
  wire.client.write("one");
  const std::string first = wire.client.ciphertext();
  wire.client.write("two");
  const std::string both = first + wire.client.ciphertext();

  CHECK(wire.server.feed(both) == first.size());
  CHECK(wire.server.take() == "one");
  CHECK(wire.server.feed(both.substr(first.size())) == both.size() - first.size());
  CHECK(wire.server.take() == "two");
}

TEST_CASE("kit: of two ends of TLS one may end and the other still send") {
  const Transport version = either();
  Wire wire(TlsPeer{.version = version});

  wire.client.notify();
  wire.run();
  CHECK(wire.server.notified());
  wire.server.write("still here");
  wire.run();

  CHECK(wire.client.take() == "still here");
  CHECK_FALSE(wire.client.notified());
}

TEST_CASE("kit: an end of TLS tells truncation from an end") {
  Wire cut;
  Wire whole;

  cut.server.eof();
  whole.client.notify();
  whole.run();
  whole.server.eof();

  CHECK(cut.server.truncated());
  CHECK_FALSE(whole.server.truncated());
}

TEST_CASE("kit: bytes after close_notify are a fault") {
  Wire wire;
  wire.client.write("late");
  const std::string late = wire.client.ciphertext();
  wire.client.notify();
  wire.run();

  wire.server.feed(late);

  CHECK(wire.server.failed());
}

TEST_CASE("kit: an end of TLS says why a handshake failed, and what alert it was sent") {
  Wire wire({.server_name = "elsewhere.test"}, {});

  CHECK(wire.client.failed());
  CHECK(wire.client.failure() == "certificate verify failed");
  CHECK(wire.server.failed());
  CHECK(wire.server.alert() == "bad certificate");
}

TEST_CASE("kit: a client shows the certificate it is given, and a server may insist") {
  const auto& files = testing::tls_files();
  TlsPeer client{.certificate = files.client_certificate, .key = files.client_key};
  Wire shown(client, {.asks = true});
  Wire missing({}, {.asks = true});

  shown.client.write("x");
  shown.run();
  CHECK(shown.server.take() == "x");
  CHECK(shown.server.info().peer_certificate == "/CN=client");
  CHECK(missing.server.failed());
}

TEST_CASE("kit: a session that a client was given is taken up again") {
  TlsPeer how{.version = either(), .tickets = true};
  Wire first(how);
  REQUIRE_FALSE(first.client.session().empty());
  TlsPeer again = how;
  again.session = first.client.session();
  Wire second(again, how);

  CHECK_FALSE(first.client.info().resumed);
  CHECK(second.client.info().resumed);
  CHECK(second.server.info().resumed);
}

TEST_CASE("kit: every handshake of one kind has the same size, so that a seed replays") {
  const TlsPeer how{.version = either()};
  const Wire first(how);

  for (int i = 0; i < 20; ++i) {
    const Wire other(how);
    CHECK(other.up.size() == first.up.size());
    CHECK(other.down.size() == first.down.size());
  }
}

TEST_CASE("kit: a URL is taken into a transport, or left as it is") {
  const auto listen = [](Transport transport, std::string_view url) {
    return testing::listen_in(transport, Url::parse(url)).text();
  };

  CHECK(listen(Transport::plain, "tcp://127.0.0.1:7") == "tcp://127.0.0.1:7");
  CHECK(listen(Transport::tls12, "tcp://127.0.0.1:7") == "tls://127.0.0.1:7");
  CHECK(listen(Transport::tls13, "unix:///run/x?mode=0660") == "tls+unix:///run/x");
  CHECK(listen(Transport::tls13, "udp://127.0.0.1:7") == "udp://127.0.0.1:7");
  const Url dial = testing::dial_in(Transport::tls13, Url::parse("tcp://10.0.0.1:7"));
  CHECK(dial.value("name") == "localhost");
  CHECK(dial.value("ca") == testing::tls_files().ca);
}

TEST_CASE("kit: a net speaks the TLS that it is told to") {
  const Transport version = either();
  testing::Net net(in(version));
  auto& peer = net.connect<Echo>();

  peer.send("hello");

  CHECK(peer.take() == "hello");
  CHECK(peer.tls().state().info().version == (version == Transport::tls12 ? "TLSv1.2" : "TLSv1.3"));
  CHECK(peer.tls().raw().find("hello") == std::string::npos);
  CHECK(peer.connection()->tls() != nullptr);
}

TEST_CASE("kit: ciphertext arrives in pieces of the size that was asked, handshake and all") {
  const Transport version = either();
  const std::size_t cut = GENERATE(1u, 2u, 7u, 4'096u);
  testing::Net net(in(version));
  auto& peer = net.connect(std::make_unique<Echo>(), TlsPeer{.version = version, .cut = cut});

  peer.send(std::string(10'000, 'x'));
  peer.end();

  CHECK(peer.take() == std::string(10'000, 'x'));
  CHECK(peer.ended());
  CHECK(peer.receives() >= 10'000 / cut);
}

TEST_CASE("kit: a peer ends with close_notify, unless it truncates") {
  Events ended;
  Events truncated;
  testing::Net net(in(either()));
  net.connect(scripted(ended)).end();
  net.connect(scripted(truncated)).tls().truncate();
  net.run();

  CHECK(ended == Events{"open", "eof ", "close ended by peer", "gone"});
  CHECK(truncated.back() == "gone");
  CHECK(std::count(truncated.begin(), truncated.end(), "eof ") == 0);
}

TEST_CASE("kit: a peer may stall in its handshake, and go on") {
  Events seen;
  testing::Net net(in(Transport::tls13));
  auto& peer = net.connect(scripted(seen), TlsPeer{.hold_after = 100});
  CHECK(seen.empty());
  CHECK_FALSE(peer.tls().held().empty());

  peer.send("x");
  peer.tls().release();
  net.run();

  CHECK(seen == Events{"open", "data x"});
}

TEST_CASE("kit: what a peer says may be held back, cut and let go byte by byte") {
  Events seen;
  testing::Net net(in(either()));
  auto& peer = net.connect(scripted(seen));
  peer.tls().hold();
  peer.send("held");
  CHECK(seen == Events{"open"});

  const std::size_t size = peer.tls().held().size();
  for (std::size_t i = 0; i + 1 < size; ++i) {
    peer.tls().release(1);
    net.run();
  }
  CHECK(seen == Events{"open"});
  peer.tls().release();
  net.run();

  CHECK(seen == Events{"open", "data held"});
}

TEST_CASE("kit: records may be made and sent past TLS") {
  Events seen;
  testing::Net net(in(either()));
  auto& peer = net.connect(scripted(seen));
  std::string record = peer.tls().encrypt("good");
  peer.tls().send_raw(record, 3);
  net.run();
  CHECK(seen == Events{"open", "data good"});

  record = peer.tls().encrypt("bad");
  record.back() ^= 1;
  peer.tls().send_raw(record);
  net.run();

  CHECK(peer.tls().state().alert() == "bad record mac");
}

TEST_CASE("kit: an abort on a Unix socket is told as a reset, for it is no end of TLS") {
  testing::NetOptions options = in(either());
  options.unix_sockets = true;
  testing::Net net(options);
  auto& peer = net.connect<Echo>();

  peer.connection()->abort();
  net.run();

  CHECK_FALSE(peer.ended());
  CHECK(peer.was_reset());
  CHECK(peer.tls().truncated());
}

TEST_CASE("kit: a place speaks TLS to who dials it") {
  Events seen;
  testing::Net net(in(either()));
  testing::Place& place = net.place("tcp://10.0.0.1:443");
  auto handler = scripted(seen);
  handler->open = [](Connection& self) { self.write(std::string_view("hello")); };
  net.loop().connect({Url::parse("tcp://10.0.0.1:443")}, std::move(handler));
  net.run();
  testing::Peer* const peer = place.next();
  REQUIRE(peer != nullptr);

  CHECK(peer->take() == "hello");
  peer->send("x");
  peer->end();

  CHECK(seen == Events{"open", "data x", "eof ", "close ended by peer", "gone"});
  CHECK(peer->tls().state().info().server_name == "localhost");
}

TEST_CASE("kit: a place that nobody should trust is not trusted") {
  Events seen;
  testing::Net net(in(Transport::tls13));
  const auto& files = testing::tls_files();
  net.place("tcp://10.0.0.1:443")
      .tls({.certificate = files.client_certificate, .key = files.client_key});

  net.loop().connect({Url::parse("tcp://10.0.0.1:443")}, scripted(seen));
  net.run();

  REQUIRE(seen.size() == 2);
  CHECK(seen.front().starts_with("close handshake"));
}
