#include <algorithm>
#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "../../core/src/chain.hpp"

using namespace weir;
using detail::Block;

namespace {

std::string text_of(const Chain& chain) {
  std::vector<iovec> pieces(chain.slices() + 1);
  const int count = chain.gather(pieces.data(), static_cast<int>(pieces.size()));
  std::string text;
  for (int i = 0; i < count; ++i) {
    const iovec& piece = pieces[static_cast<std::size_t>(i)];
    text.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
  }
  return text;
}

}  // namespace

TEST_CASE("chain: over random operations it holds what a string would hold") {
  const std::uint64_t seed = GENERATE(range<std::uint64_t>(1, 21));
  std::mt19937_64 random(seed);
  const auto below = [&random](std::size_t limit) {
    return static_cast<std::size_t>(random() % limit);
  };
  Arena arena(Block::Kind::arena);
  Chain chain;
  std::string expected;
  std::deque<std::string> lent;  // Overwritten once the chain no longer needs them.
  char letter = 'a';

  for (int step = 0; step < 2'000; ++step) {
    const std::size_t size = below(12) == 0 ? below(40'000) : below(300);
    const std::string text(size, letter = static_cast<char>('a' + (letter - 'a' + 1) % 26));
    switch (below(8)) {
      case 0:
        lent.push_back(text);
        chain.borrow(as_bytes(lent.back()));
        expected += text;
        break;
      case 1:
      case 2:
        chain.copy(as_bytes(text), arena);
        expected += text;
        break;
      case 3:
        chain.copy(as_bytes(text));
        expected += text;
        break;
      case 4:
        chain.share(Payload(text));
        expected += text;
        break;
      case 5:
        chain.own();
        for (std::string& gone : lent) std::fill(gone.begin(), gone.end(), '!');
        break;
      case 6:
        if (below(20) == 0) {
          chain.clear();
          expected.clear();
        }
        break;
      default: {
        const std::size_t taken = below(std::min<std::size_t>(expected.size(), 60'000) + 1);
        chain.consume(taken);
        expected.erase(0, taken);
      }
    }
    REQUIRE(chain.bytes() == expected.size());
    REQUIRE(chain.empty() == expected.empty());
    REQUIRE(text_of(chain) == expected);
    if (below(50) == 0) {
      std::vector<std::byte> moved;
      chain.read(moved);
      REQUIRE(as_text(moved) == expected);
    }
  }
}

TEST_CASE("chain: ten thousand small copies are one piece per block") {
  Arena arena(Block::Kind::arena);
  Chain chain;

  for (int i = 0; i < 10'000; ++i) chain.copy(as_bytes("line\n"), arena);

  CHECK(chain.bytes() == 50'000);
  CHECK(chain.slices() == 1);
}

TEST_CASE("chain: payloads made one after the other leave in one piece") {
  Chain chain;
  chain.share(Payload("first\n"));
  const std::size_t before = chain.slices();  // A block of the thread's may end anywhere.

  for (int i = 0; i < 100; ++i) chain.share(Payload("next\n"));

  CHECK(before == 1);
  CHECK(chain.slices() <= 2);
}

TEST_CASE("chain: many shares that do not lie side by side are copied together") {
  Chain chain;
  std::vector<Payload> apart;
  for (int i = 0; i < 2'000; ++i) apart.emplace_back(i % 2 == 0 ? "even" : "odd");

  for (std::size_t i = 0; i < apart.size(); i += 2) chain.share(apart[i]);

  CHECK(chain.bytes() == 4'000);
  CHECK(chain.slices() < 64);
}

TEST_CASE("chain: what is owned does not pin the loop's arena") {
  Arena arena(Block::Kind::arena);
  Chain chain;
  chain.copy(as_bytes("stuck"), arena);
  iovec before{};
  chain.gather(&before, 1);

  chain.own();

  CHECK(text_of(chain) == "stuck");
  Chain next;
  next.copy(as_bytes("fresh"), arena);
  iovec after{};
  next.gather(&after, 1);
  CHECK(after.iov_base == before.iov_base);
}

TEST_CASE("chain: gather stops at the number of pieces it is given") {
  Chain chain;
  const std::string a = "a";
  const std::string b = "b";
  const std::string c = "c";
  for (const std::string* text : {&a, &b, &c}) chain.borrow(as_bytes(*text));
  iovec pieces[2];

  CHECK(chain.gather(pieces, 2) == 2);
  CHECK(chain.gather(pieces, 0) == 0);
}
