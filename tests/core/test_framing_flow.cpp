// Lines and a connection that is full: what came in one packet is not answered faster than it is taken.
#include <catch2/catch.hpp>

#include <weir/framing.hpp>
#include <weir/testing.hpp>

using namespace weir;

namespace {

constexpr std::size_t kAnswer = 10'000;  // Two of them are above the high mark.

// Answers each line at length.
class Talkative final : public LineHandler {
 public:
  explicit Talkative(int& lines) : lines_(lines) {}
  void on_line(Connection& self, std::string_view line) override {
    ++lines_;
    std::string answer(line);
    answer.resize(kAnswer, '.');
    self.write(answer);
  }

 private:
  int& lines_;
};

// Counts its lines, at a pace.
class Paced final : public LineHandler {
 public:
  Paced(int& lines, std::int64_t per_second) : lines_(lines), pace_(per_second) {}
  void on_line(Connection& self, std::string_view) override {
    ++lines_;
    pace_.spend(self);
  }

 private:
  int& lines_;
  Pace pace_;
};

std::string numbered(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text.append(std::to_string(i)).append("\n");
  return text;
}

}  // namespace

TEST_CASE(
    "line handler: while its connection is full no line is told, and then all the others are") {
  int lines = 0;
  testing::Net net;
  auto& peer = net.connect(std::make_unique<Talkative>(lines));
  peer.room(1'000);
  peer.stall();

  peer.send(numbered(100));
  const int at_once = lines;
  const std::size_t held = peer.connection()->pending();
  peer.unstall();
  net.run();

  CHECK(at_once == 2);
  CHECK(held <= 2 * kAnswer);
  CHECK(lines == 100);
  const std::string answers = peer.take();
  REQUIRE(answers.size() == 100 * kAnswer);
  CHECK(answers.substr(99 * kAnswer, 3) == "99.");
}

TEST_CASE("line handler: the end waits behind lines that a full connection keeps") {
  int lines = 0;
  testing::Net net;
  auto& peer = net.connect(std::make_unique<Talkative>(lines));
  peer.room(1'000);
  peer.stall();

  std::string text = numbered(50);
  text += "last";
  peer.send(text);
  peer.end();
  net.advance(Millis{1'000});
  const int at_once = lines;
  peer.unstall();
  net.run();

  CHECK(at_once == 2);
  CHECK(lines == 51);
  CHECK(peer.take().size() == 51 * kAnswer);
  CHECK(peer.ended());
  CHECK(peer.reason()->code == CloseReason::Code::ended);
}

TEST_CASE("line handler: more than the unread limit may wait while its connection is full") {
  int lines = 0;
  testing::Net net;
  auto& peer = net.connect(std::make_unique<Talkative>(lines));
  peer.room(1'000);
  peer.stall();

  peer.send(std::string(8'000, 'x'));
  std::string text(100, 'y');
  text.append("\nz\n").append(numbered(20'000));
  peer.send(text);
  net.run();

  CHECK_FALSE(peer.gone());
  CHECK(peer.connection()->pending() <= 2 * kAnswer);
}

TEST_CASE("pace: what comes too fast waits unread, and its time comes") {
  int lines = 0;
  testing::Net net;
  auto& peer = net.connect(std::make_unique<Paced>(lines, 100));

  peer.send(numbered(500));
  const int at_once = lines;
  net.advance(Millis{1'000});
  const int in_a_second = lines - at_once;
  net.advance(Millis{10'000});

  CHECK(at_once >= 100);
  CHECK(at_once <= 102);
  CHECK(in_a_second >= 98);
  CHECK(in_a_second <= 102);
  CHECK(lines == 500);
}

TEST_CASE("pace: a second of silence earns a second's worth and no more") {
  int lines = 0;
  testing::Net net;
  auto& peer = net.connect(std::make_unique<Paced>(lines, 10));
  net.advance(Millis{60'000});

  peer.send(numbered(100));

  CHECK(lines >= 10);
  CHECK(lines <= 12);
}
