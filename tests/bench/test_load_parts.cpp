#include <algorithm>
#include <catch2/catch.hpp>

#include <unistd.h>

#include <bench/load/histogram.hpp>
#include <bench/load/in_flight.hpp>
#include <bench/load/reply.hpp>
#include <bench/load/server_processes.hpp>
#include <bench/load/stream.hpp>

using namespace weir;
using namespace weir::load;

namespace {

std::string stream(const Pattern& pattern, std::size_t from, std::size_t size) {
  std::string out;
  for (std::size_t i = from; i < from + size; ++i) {
    out += static_cast<char>(*pattern.at(i % pattern.period()));
  }
  return out;
}

bool matches(const Pattern& pattern, std::size_t seed, std::string_view text, std::size_t chunk) {
  PatternCursor place(pattern, seed);
  bool same = true;
  for (; !text.empty(); text.remove_prefix(std::min(chunk, text.size()))) {
    same = same && place.matches(as_bytes(text.substr(0, chunk)));
  }
  return same;
}

Reply http() { return {.http = true}; }

constexpr std::string_view kReply =
    "HTTP/1.1 200 OK\r\nServer: x\r\ncontent-length:  5\r\nDate: y\r\n\r\nhello";

}  // namespace

TEST_CASE("histogram: a value is found again to three significant digits") {
  for (std::uint64_t value = 1; value < Histogram::kMost; value += 1 + value / 7) {
    Histogram one;
    one.record(value);
    one.record(Histogram::kMost);
    const std::uint64_t found = one.at(0.5);

    REQUIRE(found >= value);
    REQUIRE((found - value) * 1'000 <= value);
  }
}

TEST_CASE("histogram: a percentile is the least value that so many do not exceed") {
  Histogram latency;
  for (std::uint64_t value = 1; value <= 1'000; ++value) latency.record(value);

  CHECK(latency.at(0) == 1);
  CHECK(latency.at(0.5) == 500);
  CHECK(latency.at(0.999) == 999);
  CHECK(latency.at(1) == 1'000);
}

TEST_CASE("histogram: several of one value count as often as they were") {
  Histogram latency;
  latency.record(10, 99);
  latency.record(2'000);

  CHECK(latency.count() == 100);
  CHECK(latency.at(0.99) == 10);
  CHECK(latency.at(0.991) == 2'000);
}

TEST_CASE("histogram: merged ones say what one says that saw everything") {
  Histogram all;
  Histogram odd;
  Histogram even;
  for (std::uint64_t value = 1; value < 1'000'000; value += 331) {
    all.record(value);
    (value % 2 == 0 ? even : odd).record(value);
  }

  odd.merge(even);

  CHECK(odd.count() == all.count());
  CHECK(odd.max() == all.max());
  for (const double share : {0.1, 0.5, 0.9, 0.99, 0.999}) CHECK(odd.at(share) == all.at(share));
}

TEST_CASE("histogram: what takes longer than a minute is kept as the maximum") {
  Histogram latency;
  latency.record(1);
  latency.record(2 * Histogram::kMost);

  CHECK(latency.max() == 2 * Histogram::kMost);
  CHECK(latency.at(1) == 2 * Histogram::kMost);
}

TEST_CASE("histogram: an empty one says 0, and so does one that was cleared") {
  Histogram latency;
  const std::uint64_t before = latency.at(0.5);
  latency.record(7);
  latency.clear();

  CHECK(before == 0);
  CHECK(latency.at(0.99) == 0);
  CHECK(latency.max() == 0);
}

TEST_CASE("pattern: the stream matches itself, however it was cut") {
  const std::size_t chunk = GENERATE(1u, 7u, 4'093u, 10'000u);
  const Pattern pattern(64);

  CHECK(matches(pattern, 4'000, stream(pattern, 4'000, 20'000), chunk));
}

TEST_CASE("pattern: a byte that was lost, doubled, changed or swapped is noticed") {
  const Pattern pattern(64);
  const std::string right = stream(pattern, 0, 256);
  std::string lost = right;
  lost.erase(100, 1);
  std::string doubled = right;
  doubled.insert(100, 1, right[100]);
  std::string changed = right;
  changed[100] = static_cast<char>(changed[100] ^ 1);
  const std::string swapped = right.substr(64, 64) + right.substr(0, 64);

  for (const std::string& wrong : {lost, doubled, changed, swapped}) {
    CHECK_FALSE(matches(pattern, 0, wrong, 64));
  }
}

TEST_CASE("pattern: bytes of a stream that began elsewhere are noticed") {
  const Pattern pattern(64);

  CHECK_FALSE(matches(pattern, 97, stream(pattern, 0, 64), 64));
}

TEST_CASE("stream: the checker learns from the first bytes where it began, however they come") {
  const std::size_t chunk = GENERATE(1u, 8u, 5'000u);
  const Pattern pattern(64);
  std::string sent("\x2c\x01\0\0\0\0\0\0", 8);  // 300
  sent += stream(pattern, 300, 9'000);
  StreamChecker checker(pattern);
  std::string kept;
  bool right = true;

  for (std::size_t at = 0; at < sent.size(); at += chunk) {
    kept += sent.substr(at, chunk);
    const StreamChecker::Taken taken = checker.take(as_bytes(kept));
    right = right && taken.right;
    kept.erase(0, taken.used);
  }

  CHECK(right);
  CHECK(kept.empty());
}

TEST_CASE("stream: a beginning outside of the pattern is wrong") {
  const Pattern pattern(64);
  StreamChecker checker(pattern);

  CHECK_FALSE(checker.take(as_bytes(std::string(8, '\xff'))).right);
}

TEST_CASE("in flight: answers take the oldest first, each with its own time") {
  InFlight under_way(4);
  Histogram latency;
  under_way.sent(100, 3);
  under_way.sent(200, 1);

  under_way.answered(300, 2, latency);
  under_way.sent(300, 2);
  under_way.answered(350, 2, latency);

  CHECK(under_way.messages() == 2);
  CHECK(latency.at(0.25) == 150);  // From 200 to 350.
  CHECK(latency.at(0.75) == 200);
  CHECK(latency.max() == 250);
}

TEST_CASE("ask: an HTTP reply ends where its head says, and is not told before") {
  std::string followed(kReply);
  followed += "HTTP/1.1 2";

  CHECK(reply_size(http(), kReply) == kReply.size());
  CHECK(reply_size(http(), followed) == kReply.size());
  CHECK(reply_size(http(), kReply.substr(0, 40)) == 0u);
}

TEST_CASE("ask: what is no HTTP reply, has no length or tells of failure is refused") {
  CHECK_FALSE(reply_size(http(), "SSH-2.0\r\n\r\n"));
  CHECK_FALSE(reply_size(http(), "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n"));
  CHECK_FALSE(reply_size(http(), "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"));
  CHECK_FALSE(reply_size(http(), "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"));
  CHECK_FALSE(reply_size(http(), std::string(40'000, 'x')));
}

TEST_CASE("machine: the CPU time is found behind a name with brackets and blanks") {
  const std::string stat =
      "12 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 1000 234 14 15 20 0 1 0 100 200 300\n";

  CHECK(cpu_ticks(stat) == 1'234u);
  CHECK_FALSE(cpu_ticks(""));
  CHECK_FALSE(cpu_ticks("12 (a) S 1 2"));
}

TEST_CASE("machine: the private memory is the one line of the roll-up") {
  const std::string rollup =
      "00400000-7fff [rollup]\nRss: 900 kB\nPrivate_Clean: 8 kB\nPrivate_Dirty:       12 kB\n";

  CHECK(private_dirty(rollup) == 12u * 1'024);
  CHECK_FALSE(private_dirty("Rss: 900 kB\n"));
}

#ifdef __linux__
TEST_CASE("machine: this process is seen, one that is not there is refused") {
  SystemServerProcesses self({static_cast<int>(::getpid())});

  const ServerUse use = self.look(true);

  CHECK(use.cpu.has_value());
  CHECK(use.memory.value_or(0) > 0);
  CHECK_FALSE(use.threads.empty());
  CHECK_THROWS_WITH(SystemServerProcesses({0x3fffffff}),
                    Catch::Contains("nothing is known of a process"));
}
#endif

TEST_CASE("machine: shares are of the time between two looks, and of the busiest thread") {
  ServerUse before;
  before.when = kSecond;
  before.cpu = 2 * kSecond;
  before.threads = {{1, kSecond}, {2, kSecond}};
  ServerUse after = before;
  after.when = 3 * kSecond;
  after.cpu = 5 * kSecond;
  after.threads = {{1, 2 * kSecond}, {2, kSecond}, {3, 2 * kSecond}};

  CHECK(share_between(before, after).cpu == 1.5);
  CHECK(share_between(before, after).busiest == 1.0);
  CHECK_FALSE(share_between(before, ServerUse{}).cpu);
}

TEST_CASE("ask: a reply that ends with a text is as long as that, and its text stands before") {
  const Reply until{.until = "END"};

  CHECK(reply_size(until, "abcENDx") == 6u);
  CHECK(reply_size(until, "abcEN") == 0u);
  CHECK(reply_text(until, "abcEND") == "abc");
}

TEST_CASE("ask: what is no HTTP is refused with its first bytes") {
  CHECK_FALSE(reply_size(http(), "-ERR no\r\n"));
  CHECK(reply_size(http(), "HTT") == 0u);
}

TEST_CASE("ask: replies without a body end with their head") {
  constexpr std::string_view empty = "HTTP/1.1 204 No\r\nA: b\r\n\r\n";
  CHECK(reply_size(http(), empty) == empty.size());
  CHECK(reply_size({.http = true, .head = true}, kReply) == kReply.size() - 5);
}

TEST_CASE("ask: a length that is none, or that a coding makes void, is refused") {
  CHECK_FALSE(reply_size(http(), "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\n"));
  CHECK_FALSE(reply_size(
      http(), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"));
  CHECK(reply_size(http(), "HTTP/1.1 200 OK\r\nContent-Length:\t0\r\n\r\n").value_or(0) > 0);
}

TEST_CASE("ask: what is compared of a reply is the line without its end, or the body") {
  CHECK(reply_text({.line = true}, "+PONG\r\n") == "+PONG");
  CHECK(reply_text({.line = true}, "hi\n") == "hi");
  CHECK(reply_text({.bytes = 2}, "ab") == "ab");
  CHECK(reply_text(http(), kReply) == "hello");
}

TEST_CASE("histogram: what was recorded since an earlier state is the difference") {
  auto earlier = std::make_unique<Histogram>();
  earlier->record(100);
  auto later = std::make_unique<Histogram>(*earlier);
  later->record(50, 3);

  later->subtract(*earlier);

  CHECK(later->count() == 3);
  CHECK(later->at(1) == 50);
  CHECK(later->max() == 50);
}
