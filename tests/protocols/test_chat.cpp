// chat: who hears what, in which order, and what nobody can make anybody hear.
#include <catch2/catch.hpp>
#include <protocols/chat/chat.hpp>
#include <random>
#include <weir/testing.hpp>

using namespace weir;
using namespace weir::protocols;

namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find("\r\n", at);
    REQUIRE(end != std::string::npos);
    lines.push_back(text.substr(at, end - at));
    at = end + 2;
  }
  return lines;
}

// A chat and its members, whose greetings are read already.
class Talk {
 public:
  explicit Talk(const OptionValues& options = {}, const testing::NetOptions& net_options = {})
      : net(net_options), service(net.open(kChat, options)) {}

  testing::Peer& arrive(std::size_t loop = 0) {
    testing::Peer& peer = net.connect(net.on_loop(service, loop));
    net.run();
    for (testing::Peer* const each : members) each->take();
    peer.take();
    members.push_back(&peer);
    return peer;
  }

  testing::Net net;
  Service& service;
  std::vector<testing::Peer*> members;
};

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// A hundred numbered lines; what the others are to hear of them.
std::string say_a_hundred(testing::Peer& speaker) {
  std::string said;
  for (int line = 0; line < 100; ++line) {
    const std::string text = std::to_string(line) + std::string(200, '.');
    speaker.send(text + "\n");
    said += "<guest-1> " + text + "\r\n";
  }
  return said;
}

}  // namespace

TEST_CASE("chat: a line reaches every other member once, however it was cut") {
  const std::size_t chunk = GENERATE(1u, 2u, 7u, 4096u);
  Talk talk(OptionValues{{"messages-per-second", {"0"}}});
  auto& ann = talk.arrive();
  auto& bob = talk.arrive();
  auto& eve = talk.arrive();

  ann.send("hello\r\nbye\n", chunk);
  talk.net.run();

  CHECK(bob.take() == "<guest-1> hello\r\n<guest-1> bye\r\n");
  CHECK(eve.take() == "<guest-1> hello\r\n<guest-1> bye\r\n");
  CHECK(ann.take().empty());
}

TEST_CASE("chat: who arrives is a guest in the lobby and is told so") {
  Talk talk;
  auto& first = talk.net.connect(talk.service);
  auto& second = talk.net.connect(talk.service);

  CHECK(first.take() ==
        "* welcome; /help tells what you can do\r\n* this is lobby; others here: 0\r\n"
        "* guest-2 joined\r\n");
  CHECK(second.take() ==
        "* welcome; /help tells what you can do\r\n* this is lobby; others here: 1\r\n");
}

TEST_CASE("chat: what begins with two slashes is said with one") {
  Talk talk;
  auto& ann = talk.arrive();
  auto& bob = talk.arrive();

  ann.send("//join is how one goes to a room\n");

  CHECK(bob.take() == "<guest-1> /join is how one goes to a room\r\n");
}

TEST_CASE("chat: a nick has few letters, is nobody else's in any case, and passes for no server") {
  Talk talk;
  auto& ann = talk.arrive();
  auto& bob = talk.arrive();
  ann.send("/nick Ann_1-x\n");
  CHECK(ann.take() == "* you are now Ann_1-x\r\n");
  CHECK(bob.take() == "* guest-1 is now Ann_1-x\r\n");

  for (const std::string nick :
       {"ann_1-x", "ANN_1-X", "", "a b", "a.b", "\xc3\xa4", "guest-3", "Guest-3", "guest", "server",
        "System", "* x", "<x>", "1234567890123456789012345"}) {
    INFO(nick);
    bob.send("/nick " + nick + "\n");
    const std::string answer = bob.take();
    talk.net.advance(Millis{1'000});
    CHECK(answer.starts_with("* "));
    CHECK_FALSE(contains(answer, "you are now"));
    CHECK(ann.take().empty());
  }
  bob.send("/nick 123456789012345678901234\n");
  CHECK(bob.take() == "* you are now 123456789012345678901234\r\n");
}

TEST_CASE("chat: a member may change the case of its own nick, and a nick given up is free") {
  Talk talk;
  auto& ann = talk.arrive();
  auto& bob = talk.arrive();

  ann.send("/nick ann\n/nick ANN\n/nick eve\n");
  bob.send("/nick Ann\n");

  CHECK(ann.take() ==
        "* you are now ann\r\n* you are now ANN\r\n* you are now eve\r\n* guest-2 is now Ann\r\n");
  CHECK(contains(bob.take(), "* you are now Ann\r\n"));
}

TEST_CASE("chat: of two on different loops who take a nick at once, one gets it") {
  testing::NetOptions options;
  options.loops = 2;
  options.automatic = false;
  options.seed = GENERATE(1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u);
  options.faults.any_order = true;
  Talk talk({}, options);
  auto& ann = talk.arrive(0);
  auto& bob = talk.arrive(1);

  ann.send("/nick zoe\n");
  bob.send("/nick zoe\n");
  talk.net.run();

  const bool ann_is = contains(ann.take(), "* you are now zoe\r\n");
  const bool bob_is = contains(bob.take(), "* you are now zoe\r\n");
  CHECK(ann_is != bob_is);
}

TEST_CASE("chat: no member can say a line that begins as the server's do") {
  Talk talk;
  auto& ann = talk.arrive();
  auto& bob = talk.arrive();

  ann.send("* guest-2 left\n/me * x\n/msg guest-2 * x\n");
  talk.net.run();

  for (const std::string& line : split(bob.take())) CHECK_FALSE(line.starts_with("*"));
}

TEST_CASE("chat: control and bidi characters and what is not UTF-8 reach nobody") {
  Talk talk;
  auto& ann = talk.arrive();
  auto& bob = talk.arrive();

  ann.send(
      "a\x1b]0;title\x07"
      "b\x1b[2J\x7f\xc2\x9b"
      "c\td\n");
  ann.send(
      "\xe2\x80\xae"
      "abc\xc0\xaf\xed\xa0\x80\xff\n");
  ann.send("/me \x1b[31mred\n");

  CHECK(bob.take() ==
        "<guest-1> a]0;titleb[2Jc d\r\n"
        "<guest-1> abc\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\r\n"
        "~ guest-1 [31mred\r\n");
}

TEST_CASE("chat: a line with a zero byte is refused, and the next one is not") {
  Talk talk;
  auto& ann = talk.arrive();
  auto& bob = talk.arrive();

  ann.send(std::string("a\0b\nc\n", 6));

  CHECK(ann.take() == "* a line must not contain a zero byte\r\n");
  CHECK(bob.take() == "<guest-1> c\r\n");
}

TEST_CASE("chat: empty lines are nothing, however many") {
  Talk talk;
  auto& ann = talk.arrive();
  auto& bob = talk.arrive();

  ann.send(std::string(10'000, '\n') + "\r\n\x01\nhello\n");

  CHECK(bob.take() == "<guest-1> hello\r\n");
  CHECK(ann.take().empty());
}

TEST_CASE("chat: a line as long as the limit passes, and a longer one ends its sender") {
  Talk talk(OptionValues{{"line-max", {"16"}}});
  auto& ann = talk.arrive();
  auto& bob = talk.arrive();

  ann.send(std::string(15, 'x') + "\n" + std::string(16, 'y') + "\r\n");
  CHECK(bob.take() ==
        "<guest-1> " + std::string(15, 'x') + "\r\n<guest-1> " + std::string(16, 'y') + "\r\n");
  ann.send(std::string(17, 'z') + "\nmore\n");

  CHECK(ann.take() == "* that line is too long; goodbye\r\n");
  CHECK(ann.ended());
  CHECK(bob.take().empty());
}

TEST_CASE("chat: an endless line costs no more than its limit") {
  Talk talk;
  auto& ann = talk.arrive();

  ann.send(std::string(1 << 20, 'x'));

  CHECK(ann.take() == "* that line is too long; goodbye\r\n");
  CHECK(ann.ended());
}

TEST_CASE("chat: rooms are apart, and who joins one is shown its last lines") {
  Talk talk(OptionValues{{"history", {"2"}}});
  auto& ann = talk.arrive();
  auto& bob = talk.arrive();

  ann.send("/join Garden\none\ntwo\nthree\n");
  talk.net.run();
  CHECK(ann.take() == "* this is garden; others here: 0\r\n");
  CHECK(bob.take() == "* guest-1 left\r\n");
  bob.send("in the lobby\n/join garden\n");

  CHECK(bob.take() == "* this is garden; others here: 1\r\n<guest-1> two\r\n<guest-1> three\r\n");
  CHECK(ann.take() == "* guest-2 joined\r\n");
}

TEST_CASE("chat: a room is gone with its last member, and the lobby stays") {
  Talk talk;
  auto& ann = talk.arrive();

  ann.send("one\n/join garden\ntwo\n/leave\n/rooms\n/join garden\n");
  talk.net.run();

  CHECK(ann.take() ==
        "* this is garden; others here: 0\r\n"
        "* this is lobby; others here: 0\r\n<guest-1> one\r\n"
        "* rooms: lobby=1\r\n"
        "* this is garden; others here: 0\r\n");
}

TEST_CASE("chat: questions are answered to who asks alone") {
  Talk talk;
  auto& ann = talk.arrive();
  auto& bob = talk.arrive();
  ann.send("hello\n");
  bob.take();

  bob.send("/who\n/rooms\n/history\n/nonsense\n/msg nobody x\n/help\n");
  talk.net.run();

  const std::vector<std::string> answers = split(bob.take());
  REQUIRE(answers.size() == 6);
  CHECK(answers[0] == "* lobby: guest-1 guest-2");
  CHECK(answers[1] == "* rooms: lobby=2");
  CHECK(answers[2] == "<guest-1> hello");
  CHECK(answers[3] == "* /nonsense is no command; /help lists them");
  CHECK(answers[4] == "* nobody here is called nobody");
  CHECK(contains(answers[5], "/join ROOM"));
  CHECK(ann.take().empty());
}

TEST_CASE("chat: a command that lacks its text says nothing to anybody else") {
  Talk talk;
  auto& ann = talk.arrive();
  auto& bob = talk.arrive();
  ann.take();

  bob.take();
  bob.send("/me\n/msg guest-1\n/me \n");
  talk.net.run();

  CHECK(bob.take() == "* what? /me TEXT\r\n* what? /msg NAME TEXT\r\n* what? /me TEXT\r\n");
  CHECK(ann.take().empty());
}

TEST_CASE("chat: a private line reaches one member in any room, on any loop") {
  testing::NetOptions options;
  options.loops = 2;
  Talk talk({}, options);
  auto& ann = talk.arrive(0);
  auto& bob = talk.arrive(1);
  auto& eve = talk.arrive(1);
  bob.send("/join garden\n");
  talk.net.run();
  eve.take();
  ann.take();
  bob.take();

  ann.send("/msg GUEST-2 psst: you\n");
  talk.net.run();

  CHECK(bob.take() == "[guest-1] psst: you\r\n");
  CHECK(eve.take().empty());
  CHECK(ann.take().empty());
}

TEST_CASE("chat: there are no more rooms, and no more members, than the limits say") {
  Talk talk(OptionValues{{"rooms-max", {"2"}}, {"members-max", {"2"}}});
  auto& ann = talk.arrive();
  auto& bob = talk.arrive();

  ann.send("/join a\n");
  CHECK(ann.take() == "* this is a; others here: 0\r\n");
  bob.take();
  bob.send("/join b\n");
  CHECK(bob.take() == "* there are too many rooms; /rooms lists them\r\n");
  talk.arrive();
  auto& late = talk.net.connect(talk.service);

  CHECK(contains(late.take(), "* lobby is full\r\n"));
  CHECK(late.ended());
}

TEST_CASE("chat: a member that does not read misses lines and is told how many") {
  Talk talk(OptionValues{{"messages-per-second", {"0"}}, {"backlog-max", {"1KiB"}}});
  auto& ann = talk.arrive();
  auto& bob = talk.arrive();
  auto& slow = talk.arrive();
  slow.room(4096);
  slow.stall();

  const std::string said = say_a_hundred(ann);
  CHECK(bob.take() == said);
  slow.unstall();
  talk.net.run();
  ann.send("last\n");

  std::vector<std::string> heard = split(slow.take());
  REQUIRE(heard.size() > 3);
  CHECK(heard.back() == "<guest-1> last");
  const std::size_t missed = 101 - (heard.size() - 1);
  CHECK(heard[heard.size() - 2] ==
        "* you read too slowly and missed " + std::to_string(missed) + " lines");
  heard.resize(heard.size() - 2);
  std::string begun;
  for (const std::string& line : heard) begun += line + "\r\n";
  CHECK(said.starts_with(begun));
}

TEST_CASE("chat: with slow=close a member that does not read is cut, and the others miss nothing") {
  Talk talk(
      OptionValues{{"messages-per-second", {"0"}}, {"backlog-max", {"1KiB"}}, {"slow", {"close"}}});
  auto& ann = talk.arrive();
  auto& bob = talk.arrive();
  auto& slow = talk.arrive();
  slow.room(4096);
  slow.stall();

  const std::string said = say_a_hundred(ann);

  REQUIRE(slow.gone());
  CHECK(slow.reason()->error == ENOBUFS);
  std::string heard = bob.take();
  const std::string left = "* guest-3 left\r\n";
  REQUIRE(contains(heard, left));
  CHECK(heard.erase(heard.find(left), left.size()) == said);
}

TEST_CASE("chat: who writes too fast is read more slowly, and nothing is lost") {
  Talk talk(OptionValues{{"messages-per-second", {"10"}}});
  auto& ann = talk.arrive();
  auto& bob = talk.arrive();

  std::string said;
  for (int line = 0; line < 50; ++line) said += std::to_string(line) + "\n";
  ann.send(said);
  const std::size_t at_once = split(bob.take()).size();
  talk.net.advance(Millis{1'000});
  const std::size_t in_a_second = split(bob.take()).size();
  talk.net.advance(Millis{4'000});

  CHECK(at_once >= 10);
  CHECK(at_once <= 12);
  CHECK(in_a_second >= 9);
  CHECK(in_a_second <= 11);
  const std::vector<std::string> rest = split(bob.take());
  CHECK(at_once + in_a_second + rest.size() == 50);
  CHECK(rest.back() == "<guest-1> 49");
}

TEST_CASE("chat: who is read more slowly is not idle meanwhile") {
  testing::NetOptions options;
  options.timeouts.idle = Millis{2'000};
  Talk talk(OptionValues{{"messages-per-second", {"5"}}}, options);
  auto& ann = talk.arrive();
  std::string said;
  for (int line = 0; line < 40; ++line) said += std::to_string(line) + "\n";

  ann.send(said + "/quit\n");
  talk.net.advance(Millis{8'500});

  CHECK(ann.take() == "* goodbye\r\n");
}

TEST_CASE("chat: in a large room nobody is told who comes and goes") {
  Talk talk;
  auto& ann = talk.arrive();
  for (int i = 0; i < 60; ++i) talk.net.connect(talk.service);
  ann.take();

  talk.net.connect(talk.service).close();

  CHECK(ann.take().empty());
}

TEST_CASE("chat: a server that stops says so to everybody") {
  Talk talk;
  auto& ann = talk.arrive();

  talk.net.stop();

  CHECK(ann.take() == "* the server stops; goodbye\r\n");
  CHECK(ann.ended());
}

// Members of several loops say numbered lines while they come and go. Each hears the others' lines
// between its coming and its going, all of them, and all in the same order.
TEST_CASE("chat: every member hears the same order, whatever the loops do") {
  constexpr std::size_t kMembers = 8;
  constexpr int kLines = 12;
  for (unsigned seed = 1; seed <= 1'000; ++seed) {
    testing::NetOptions options;
    options.loops = 3;
    options.seed = seed;
    options.automatic = false;
    options.faults.any_order = true;
    options.faults.short_receive = 100;
    options.faults.short_send = 100;
    options.unix_sockets = seed % 2 == 0;
    Talk talk(OptionValues{{"messages-per-second", {"0"}}}, options);
    for (std::size_t i = 0; i < kMembers; ++i) talk.arrive(i % options.loops);
    std::mt19937 random(seed);

    std::vector<int> sent(kMembers, 0);
    for (std::size_t left = kMembers * kLines; left > 0;) {
      const std::size_t who = random() % kMembers;
      if (sent[who] == kLines) continue;
      talk.members[who]->send("line " + std::to_string(sent[who]++) + "\n");
      --left;
      for (unsigned turns = random() % 4; turns > 0; --turns) {
        talk.net.turn(random() % options.loops);
      }
    }
    talk.net.run();

    // Everybody's order, completed by the lines that its hearer said, must be one and the same.
    std::vector<std::vector<std::string>> heard;
    for (testing::Peer* const peer : talk.members) heard.push_back(split(peer->take()));
    for (std::size_t one = 0; one < kMembers; ++one) {
      INFO("seed " << seed << ", member " << one);
      REQUIRE(heard[one].size() == (kMembers - 1) * kLines);
      const std::string mine = "<guest-" + std::to_string(one + 1) + ">";
      const std::vector<std::string>& other = heard[(one + 1) % kMembers];
      const std::string its = "<guest-" + std::to_string((one + 1) % kMembers + 1) + ">";
      std::vector<std::string> here;
      std::vector<std::string> there;
      for (const std::string& line : heard[one]) {
        if (!line.starts_with(its)) here.push_back(line);
      }
      for (const std::string& line : other) {
        if (!line.starts_with(mine)) there.push_back(line);
      }
      REQUIRE(here == there);
    }
  }
}
