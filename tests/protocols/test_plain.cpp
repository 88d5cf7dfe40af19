// discard and yousaid, and what holds for every bundled protocol.
#include <catch2/catch.hpp>
#include <protocols/bundled.hpp>
#include <protocols/discard/discard.hpp>
#include <protocols/yousaid/yousaid.hpp>
#include <set>
#include <weir/testing.hpp>

using namespace weir;
using namespace weir::protocols;

namespace {

bool logged(const testing::Net& net, std::string_view text) {
  for (const std::string& line : net.log()) {
    if (line.find(text) != std::string::npos) return true;
  }
  return false;
}

constexpr const char* kTarget = "tcp://10.0.0.1:80";

// The least that a protocol has to be told.
OptionValues least(const ServiceType& type) {
  OptionValues values;
  for (const OptionInfo& option : describe_options(type)) {
    if (option.required) values[option.name] = {kTarget};
  }
  return values;
}

}  // namespace

TEST_CASE("discard: everything is read, nothing is answered, and it ends with the peer") {
  const std::size_t chunk = GENERATE(1u, 2u, 7u, 4096u);
  testing::Net net;
  auto& peer = net.connect(kDiscard);

  peer.send(std::string(5000, 'x'), chunk);
  const std::uint64_t read = peer.connection()->bytes_in();
  peer.end();

  CHECK(read == 5000);
  CHECK(peer.take().empty());
  CHECK(peer.ended());
  CHECK(peer.reason()->code == CloseReason::Code::ended);
}

TEST_CASE("yousaid: the first line comes back and then the end, however it was cut") {
  const std::size_t chunk = GENERATE(1u, 2u, 7u, 4096u);
  const std::string line_end = GENERATE("\n", "\r\n");
  testing::Net net;
  auto& peer = net.connect(kYouSaid);

  peer.send("hello" + line_end + "and more\n", chunk);
  peer.end();

  CHECK(peer.take() == "You said: hello\r\n");
  CHECK(peer.ended());
  CHECK_FALSE(peer.was_reset());
}

TEST_CASE("yousaid: a line without an end counts at the peer's FIN") {
  testing::Net net;
  auto& peer = net.connect(kYouSaid);

  peer.send("hello");
  peer.end();

  CHECK(peer.take() == "You said: hello\r\n");
  CHECK(peer.ended());
}

TEST_CASE("yousaid: a peer that says nothing gets nothing, and the log says so") {
  testing::Net net;
  auto& peer = net.connect(kYouSaid);

  peer.end();

  CHECK(peer.take().empty());
  CHECK(peer.ended());
  CHECK(logged(net, "said nothing"));
}

TEST_CASE("yousaid: the log tells who said what, escaped") {
  testing::Net net;
  auto& peer = net.connect(kYouSaid);
  const std::string address = peer.connection()->peer().text();

  peer.send("a\x1b[2Jb\n");

  CHECK(logged(net, "yousaid: "));
  CHECK(logged(net, address + " said: a\\x1b[2Jb"));
}

TEST_CASE("yousaid: a line above the limit is told off and closed") {
  testing::Net net;
  auto& peer = net.connect(kYouSaid);

  peer.send(std::string(LineHandler::kLineMax + 1, 'x'));

  CHECK(peer.take() == "line too long\r\n");
  CHECK(peer.ended());
}

TEST_CASE("bundled: every protocol has a name of its own, a sentence, and usable defaults") {
  std::set<std::string> names;
  for (const ServiceType& type : bundled()) {
    CHECK(names.insert(type.name).second);
    CHECK(std::string_view(type.help).ends_with('.'));
    CHECK(check_options(type, least(type)).empty());
  }
}

TEST_CASE("bundled: a peer that resets, or never reads, leaves nothing behind") {
  for (const ServiceType& type : bundled()) {
    testing::Net net;
    net.place(kTarget);
    auto& hasty = net.connect(type, least(type));
    auto& deaf = net.connect(type, least(type));
    deaf.stall();
    deaf.send("x\n");
    hasty.send("x");
    hasty.reset();
    deaf.reset();
    net.advance(Millis{60'000});

    CHECK(hasty.gone());
    CHECK(deaf.gone());
    CHECK(net.counters().exceptions == 0);
  }
}

TEST_CASE("bundled: every connection is gone when the server stops") {
  for (const ServiceType& type : bundled()) {
    testing::Net net;
    net.place(kTarget);
    auto& peer = net.connect(type, least(type));
    peer.send("begun");
    net.stop();
    peer.end();
    net.advance(Millis{10'000});

    CHECK(net.stopped());
    CHECK_FALSE(peer.was_reset());
  }
}
