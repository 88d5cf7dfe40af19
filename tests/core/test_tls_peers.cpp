// What peers do to a TLS connection: handshakes that do not end, bytes that are no TLS, ends of every
// kind, and floods.
#include <algorithm>
#include <optional>

#include <catch2/catch.hpp>

#include <weir/testing.hpp>
#include <weir/testing_tls.hpp>

#include "scripted.hpp"

using namespace std::chrono_literals;
using namespace weir;
using testing::TlsPeer;
using testing::Transport;

namespace {

testing::NetOptions in(Transport transport) {
  testing::NetOptions options;
  options.transport = transport;
  return options;
}

Transport either() { return GENERATE(Transport::tls12, Transport::tls13); }

// A peer of which nothing leaves by itself: its hello is held.
testing::Peer& silent(testing::Net& net, Events& seen, Transport version = Transport::tls13) {
  return net.connect(scripted(seen), TlsPeer{.version = version, .hold_after = 0});
}

CloseReason::Code code_of(const testing::Peer& peer) {
  const std::optional<CloseReason> reason = peer.reason();
  return reason ? reason->code : CloseReason::Code::moved;
}

struct Echo final : Handler {
  std::size_t on_data(Connection& self, Bytes data) override {
    self.write(data);
    return data.size();
  }
};

}  // namespace

TEST_CASE("tls peers: a handler hears of nobody before the handshake is complete") {
  Events seen;
  const Transport version = either();
  testing::Net net(in(version));
  auto& peer = silent(net, seen, version);
  const std::size_t hello = peer.tls().held().size();

  for (std::size_t i = 0; i < hello; ++i) {
    peer.tls().release(1);
    net.run();
    REQUIRE(seen.empty());
  }
  peer.send("x");
  CHECK(seen.empty());
  peer.tls().release();
  net.run();

  CHECK(seen == Events{"open", "data x"});
  CHECK(net.counters().handshakes == 1);
}

TEST_CASE("tls peers: a peer that says nothing is gone when the time for a handshake is over") {
  Events seen;
  testing::Net net(in(Transport::tls13));
  auto& peer = silent(net, seen);

  net.advance(9'900ms);
  CHECK_FALSE(peer.gone());
  net.advance(200ms);
  peer.close();
  net.run();

  CHECK(peer.gone());
  CHECK(code_of(peer) == CloseReason::Code::handshake);
  CHECK(seen.empty());
  CHECK(net.counters().handshakes_failed == 1);
}

TEST_CASE("tls peers: bytes that trickle do not lengthen the time for a handshake") {
  Events seen;
  testing::Net net(in(either()));
  auto& peer = silent(net, seen);

  for (int second = 0; second < 10; ++second) {
    CHECK_FALSE(peer.ended());
    peer.tls().release(1);
    net.advance(1s);
  }
  net.advance(100ms);

  CHECK((peer.ended() || peer.gone()));
  CHECK(seen.empty());
}

TEST_CASE(
    "tls peers: what cannot be TLS ends it with its first byte that tells, and one line says so") {
  const char* const garbage =
      GENERATE("GET / HTTP/1.1\r\n\r\n", "\x80\x2e\x01\x03\x01", "\x16\x05", "\n");
  Events seen;
  testing::Net net(in(Transport::tls13));
  auto& peer = silent(net, seen);

  peer.tls().send_raw(garbage);
  net.run();

  CHECK(peer.ended());
  peer.close();
  net.run();
  CHECK(code_of(peer) == CloseReason::Code::handshake);
  CHECK(seen.empty());
}

TEST_CASE("tls peers: of many handshakes that fail a line a second tells") {
  Events seen;
  testing::NetOptions options = in(Transport::tls13);
  options.level = Level::info;
  testing::Net net(options);
  for (int i = 0; i < 100; ++i) {
    auto& peer = silent(net, seen);
    peer.tls().send_raw("GET / HTTP/1.1\r\n\r\n");
    peer.close();
  }
  net.run();

  CHECK(net.log().size() <= 2);
  CHECK(net.counters().handshakes_failed == 100);
}

TEST_CASE("tls peers: a FIN without close_notify is a truncation, and no end") {
  Events seen;
  testing::Net net(in(either()));
  auto& peer = net.connect(scripted(seen));
  peer.send("half a");

  peer.tls().truncate();
  net.run();

  CHECK(code_of(peer) == CloseReason::Code::tls_truncated);
  CHECK(std::count(seen.begin(), seen.end(), "eof ") == 0);
}

TEST_CASE("tls peers: after close_notify the other direction goes on") {
  Events seen;
  testing::Net net(in(either()));
  auto handler = scripted(seen);
  handler->eof = stay;
  auto& peer = net.connect(std::move(handler));

  peer.tls().notify();
  net.run();
  CHECK(seen == Events{"open", "eof "});
  peer.connection()->write("still here");
  net.run();
  CHECK(peer.take() == "still here");
  peer.connection()->close();
  net.run();

  CHECK(peer.ended());
}

TEST_CASE("tls peers: bytes that were no record end it as a fault of TLS") {
  Events seen;
  testing::Net net(in(either()));
  auto& peer = net.connect(scripted(seen));

  std::string record("\x17\x03\x03\x00\x20", 5);
  record.append(32, 'x');
  peer.tls().send_raw(record);
  net.run();
  peer.close();
  net.run();

  CHECK(code_of(peer) == CloseReason::Code::tls);
  CHECK(std::count(seen.begin(), seen.end(), "data x") == 0);
}

TEST_CASE("tls peers: who changes keys again and again is cut") {
  Events seen;
  testing::Net net(in(Transport::tls13));
  auto& peer = net.connect(scripted(seen));
  peer.tls().hold();
  for (int i = 0; i < 1'000; ++i) peer.tls().update_keys();

  peer.tls().release();
  net.run();
  peer.close();
  net.run();

  CHECK(code_of(peer) == CloseReason::Code::tls);
}

TEST_CASE("tls peers: who changes keys more than 32 times in ten seconds is cut, talking or not") {
  testing::Net net(in(Transport::tls13));
  auto& peer = net.connect<Echo>();

  for (int i = 0; i < 32; ++i) {
    peer.tls().update_keys(i % 2 == 0);
    peer.send("x");
    net.advance(250ms);
  }
  CHECK(peer.take() == std::string(32, 'x'));
  peer.tls().update_keys();
  peer.send("x");
  net.run();
  peer.close();
  net.run();

  CHECK(code_of(peer) == CloseReason::Code::tls);
}

TEST_CASE("tls peers: who changes keys three times a second is served") {
  testing::Net net(in(Transport::tls13));
  auto& peer = net.connect<Echo>();

  for (int i = 0; i < 300; ++i) {
    peer.tls().update_keys(i % 2 == 0);
    peer.send("x");
    net.advance(334ms);
  }

  CHECK(peer.take() == std::string(300, 'x'));
}

TEST_CASE("tls peers: nobody renegotiates") {
  Events seen;
  testing::Net net(in(Transport::tls12));
  auto& peer = net.connect(scripted(seen));

  peer.tls().renegotiate();
  net.run();

  CHECK(peer.tls().state().alert() == "no renegotiation");
}

TEST_CASE(
    "tls peers: handshakes that stand still keep out neither new peers nor those who are there") {
  Events stuck;
  testing::Net net(in(Transport::tls13));
  auto& there = net.connect<Echo>();
  // Their hellos are whole, so that each is in flight, and then nothing comes.
  const std::size_t hello = silent(net, stuck).tls().held().size();
  for (int i = 0; i < 200; ++i) net.connect(scripted(stuck), TlsPeer{.hold_after = hello});

  there.send("here");
  CHECK(there.take() == "here");
  auto& late = net.connect<Echo>();
  late.send("hello");
  net.advance(1s);

  CHECK(late.take() == "hello");
  CHECK(stuck.empty());
}

TEST_CASE("tls peers: ciphertext that the kernel does not take is pending, and drains") {
  Events seen;
  testing::Net net(in(either()));
  auto& peer = net.connect(scripted(seen));
  peer.stall();
  Connection& self = *peer.connection();

  CHECK(self.write(std::string(200'000, 'x')) == Flow::full);
  net.run();
  CHECK(self.pending() > 100'000);
  CHECK(std::count(seen.begin(), seen.end(), "drain") == 0);
  peer.unstall();
  net.run();

  CHECK(self.pending() == 0);
  CHECK(std::count(seen.begin(), seen.end(), "drain") == 1);
  CHECK(peer.take() == std::string(200'000, 'x'));
}

TEST_CASE("tls peers: who writes on though the peer takes nothing is cut, as without TLS") {
  Events seen;
  testing::Net net(in(either()));
  auto& peer = net.connect(scripted(seen));
  peer.stall();
  Connection& self = *peer.connection();

  for (int i = 0; i < 8; ++i) {
    if (peer.gone()) break;
    self.write(std::string(100'000, 'x'));
    net.run();
  }

  CHECK(code_of(peer) == CloseReason::Code::write_overflow);
}

TEST_CASE("tls peers: a peer that resets is told as reset") {
  Events seen;
  testing::Net net(in(either()));
  auto& peer = net.connect(scripted(seen));

  peer.reset();
  net.run();

  CHECK(code_of(peer) == CloseReason::Code::reset);
}

TEST_CASE("tls peers: what a handshake agreed on can be asked") {
  const Transport version = either();
  Events seen;
  testing::Net net(in(version));
  auto& peer = net.connect(scripted(seen), TlsPeer{.version = version, .server_name = "localhost"});
  const TlsInfo* const info = peer.connection()->tls();

  REQUIRE(info != nullptr);
  CHECK(info->version == (version == Transport::tls12 ? "TLSv1.2" : "TLSv1.3"));
  CHECK(info->server_name == "localhost");
  CHECK_FALSE(info->cipher.empty());
  CHECK_FALSE(info->resumed);
  CHECK(info->failure.empty());
}
