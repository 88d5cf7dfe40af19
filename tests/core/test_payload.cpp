#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
#include <weir/payload.hpp>

using namespace weir;

TEST_CASE("payload: it holds its bytes, however often it is copied and moved") {
  const std::size_t size = GENERATE(0u, 1u, 100u, 16'384u, 16'385u, 200'000u);
  const std::string text(size, 'x');

  Payload first(text);
  const Payload second = first;
  const Payload third = std::move(first);

  CHECK(as_text(second.bytes()) == text);
  CHECK(as_text(third.bytes()) == text);
  CHECK(third.size() == size);
  CHECK(second.empty() == (size == 0));
  CHECK(first.empty());  // NOLINT: what was moved from is empty.
}

TEST_CASE("payload: a copy shares the bytes") {
  const Payload first("shared");
  const Payload second = first;

  CHECK(first.bytes().data() == second.bytes().data());
}

TEST_CASE("payload: assigning to itself or over another leaves the right bytes") {
  Payload first("first");
  const Payload& same = first;
  first = same;
  CHECK(as_text(first.bytes()) == "first");

  first = Payload("second");
  CHECK(as_text(first.bytes()) == "second");
}

TEST_CASE("payload: one made later does not change one made before") {
  std::vector<Payload> made;
  for (int i = 0; i < 20'000; ++i) made.emplace_back("number " + std::to_string(i));

  for (std::size_t i = 0; i < made.size(); ++i) {
    REQUIRE(as_text(made[i].bytes()) == "number " + std::to_string(i));
  }
}

TEST_CASE("payload: many threads may make, copy and drop them", "[loops]") {
  const Payload shared("everybody's");
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  std::vector<Payload> handed(4);

  for (std::size_t who = 0; who < handed.size(); ++who) {
    threads.emplace_back([&shared, &wrong, &mine = handed[who], who] {
      for (int i = 0; i < 5'000; ++i) {
        const Payload copy = shared;
        const std::string text = std::to_string(who) + ":" + std::to_string(i);
        mine = Payload(text);
        if (as_text(copy.bytes()) != "everybody's" || as_text(mine.bytes()) != text) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  CHECK(wrong == 0);
  CHECK(as_text(handed[3].bytes()) == "3:4999");  // Its maker's thread is gone.
}
