// Names looked up once, kept for a while, and shared by all who ask.
#include <catch2/catch.hpp>

#include "../../core/src/name_cache.hpp"
#include "scripted.hpp"

using namespace weir;

namespace {

constexpr Millis kStep{1};

Connection& dial(testing::Net& net, Events& seen, std::string_view host, std::size_t loop = 0) {
  const ConnectOptions options{Url::parse("tcp://" + std::string(host) + ":80")};
  Connection& made = net.loop(loop).connect(options, scripted(seen));
  net.run();
  return made;
}

// What resolve answers, as text: the addresses, or the error.
void ask(testing::Net& net, std::vector<std::string>& answers, std::string_view host) {
  net.loop().resolve(host, [&answers](const Resolution& found) {
    std::string text = found.error;
    for (const Address& address : found.addresses) text += address.text() + " ";
    answers.push_back(text);
  });
}

std::string numbered(std::size_t number) { return "host" + std::to_string(number) + ".test"; }

}  // namespace

TEST_CASE("name cache: a name is looked up once for connections that follow each other") {
  Events seen;
  testing::Net net;
  net.name("db.test", {"10.0.0.1"});
  testing::Place& place = net.place("tcp://10.0.0.1:80");

  for (int i = 0; i < 5; ++i) dial(net, seen, "db.test");

  CHECK(net.lookups() == 1);
  CHECK(place.attempts() == 5);
}

TEST_CASE("name cache: an answer is kept 30 seconds and no longer") {
  Events seen;
  testing::Net net;
  net.name("db.test", {"10.0.0.1"});
  net.place("tcp://10.0.0.1:80");
  dial(net, seen, "db.test");

  net.advance(NameCache::kKept - kStep);
  dial(net, seen, "db.test");
  const std::uint64_t before = net.lookups();
  net.advance(kStep);
  dial(net, seen, "db.test");

  CHECK(NameCache::kKept == std::chrono::seconds(30));
  CHECK(before == 1);
  CHECK(net.lookups() == 2);
}

TEST_CASE("name cache: what a name means now is known 30 seconds after it changed") {
  Events seen;
  testing::Net net;
  net.name("db.test", {"10.0.0.1"});
  testing::Place& old_place = net.place("tcp://10.0.0.1:80");
  testing::Place& new_place = net.place("tcp://10.0.0.2:80");
  dial(net, seen, "db.test");

  net.name("db.test", {"10.0.0.2"});
  dial(net, seen, "db.test");
  net.advance(NameCache::kKept);
  dial(net, seen, "db.test");

  CHECK(old_place.attempts() == 2);
  CHECK(new_place.attempts() == 1);
}

TEST_CASE("name cache: a failure is kept a second and no longer") {
  Events seen;
  testing::Net net;
  dial(net, seen, "nowhere.test");

  net.advance(NameCache::kFailureKept - kStep);
  dial(net, seen, "nowhere.test");
  const std::uint64_t before = net.lookups();
  net.name("nowhere.test", {"10.0.0.1"});
  testing::Place& place = net.place("tcp://10.0.0.1:80");
  net.advance(kStep);
  dial(net, seen, "nowhere.test");

  CHECK(NameCache::kFailureKept == std::chrono::seconds(1));
  CHECK(before == 1);
  CHECK(seen == Events{"close unresolved", "gone", "close unresolved", "gone", "open"});
  CHECK(place.attempts() == 1);
}

TEST_CASE("name cache: while a lookup is under way, all who ask wait for its answer") {
  Events seen;
  std::vector<std::string> answers;
  testing::Net net;
  net.name("db.test", {"10.0.0.1"}, Millis{100});
  testing::Place& place = net.place("tcp://10.0.0.1:80");

  for (int i = 0; i < 4; ++i) dial(net, seen, "db.test");
  ask(net, answers, "db.test");
  net.advance(Millis{50});
  dial(net, seen, "db.test");
  const bool early = place.attempts() > 0 || !answers.empty();
  net.advance(Millis{50});

  CHECK_FALSE(early);
  CHECK(net.lookups() == 1);
  CHECK(place.attempts() == 5);
  CHECK(answers == std::vector<std::string>{"10.0.0.1:0 "});
}

TEST_CASE("name cache: who gives up before the answer leaves the others waiting for it") {
  Events left;
  Events stayed;
  testing::Net net;
  net.name("db.test", {"10.0.0.1"}, Millis{100});
  testing::Place& place = net.place("tcp://10.0.0.1:80");
  dial(net, stayed, "db.test");
  Connection& leaving = dial(net, left, "db.test");
  dial(net, stayed, "db.test");

  leaving.abort();
  net.run();
  net.advance(Millis{100});

  CHECK(left.size() == 2);
  CHECK(stayed == Events{"open", "open"});
  CHECK(place.attempts() == 2);
}

TEST_CASE("name cache: everybody gave up, and the answer is kept all the same") {
  Events seen;
  testing::Net net;
  net.name("db.test", {"10.0.0.1"}, Millis{100});
  testing::Place& place = net.place("tcp://10.0.0.1:80");
  dial(net, seen, "db.test").abort();
  net.advance(Millis{100});

  dial(net, seen, "db.test");

  CHECK(net.lookups() == 1);
  CHECK(place.attempts() == 1);
}

TEST_CASE("name cache: upper and lower case are the same name") {
  Events seen;
  testing::Net net;
  net.name("db.test", {"10.0.0.1"});
  testing::Place& place = net.place("tcp://10.0.0.1:80");

  for (const char* host : {"db.test", "DB.test", "Db.TesT"}) dial(net, seen, host);

  CHECK(net.lookups() == 1);
  CHECK(place.attempts() == 3);
}

TEST_CASE("name cache: a known name is dialled at once, address after address") {
  Events seen;
  testing::Net net({.automatic = false});
  net.name("db.test", {"10.0.0.1", "10.0.0.2"}, Millis{100});
  net.place("tcp://10.0.0.1:80").refuse();
  testing::Place& second = net.place("tcp://10.0.0.2:80");
  dial(net, seen, "db.test");
  net.advance(Millis{100});

  dial(net, seen, "db.test");  // No time passes.

  CHECK(net.lookups() == 1);
  CHECK(net.place("tcp://10.0.0.1:80").attempts() == 2);
  CHECK(second.attempts() == 2);
}

TEST_CASE("name cache: resolve never answers from inside the call, known name or not") {
  std::vector<std::string> answers;
  testing::Net net;
  net.name("db.test", {"10.0.0.1", "::1"});

  ask(net, answers, "db.test");
  CHECK(answers.empty());
  net.run();
  ask(net, answers, "db.test");
  CHECK(answers.size() == 1);
  net.run();

  CHECK(answers == std::vector<std::string>{"10.0.0.1:0 [::1]:0 ", "10.0.0.1:0 [::1]:0 "});
  CHECK(net.lookups() == 1);
}

TEST_CASE("name cache: an answer may ask again, for the same name too") {
  std::vector<std::string> answers;
  testing::Net net;
  net.name("db.test", {"10.0.0.1"});
  net.loop().resolve("db.test", [&](const Resolution&) { ask(net, answers, "db.test"); });

  net.run();

  CHECK(answers.size() == 1);
  CHECK(net.lookups() == 1);
}

TEST_CASE("name cache: what an answer throws is counted, and the next one is told") {
  std::vector<std::string> answers;
  testing::Net net;
  net.name("db.test", {"10.0.0.1"});
  const auto fail = [](const Resolution&) { throw std::runtime_error("no"); };
  net.loop().resolve("db.test", fail);
  ask(net, answers, "db.test");
  net.run();
  net.loop().resolve("db.test", fail);  // The name is known by now.
  net.run();

  CHECK(answers.size() == 1);
  CHECK(net.counters().exceptions == 2);
}

TEST_CASE("name cache: it holds 256 names, and the oldest makes room") {
  Events seen;
  testing::Net net;
  net.place("tcp://10.0.0.1:80");
  const auto first_until = [&](std::size_t end) {
    for (std::size_t i = 0; i < end; ++i) {
      net.name(numbered(i), {"10.0.0.1"});
      dial(net, seen, numbered(i));
      net.advance(kStep);
    }
  };
  first_until(NameCache::kNamesMost + 1);
  const std::uint64_t asked = net.lookups();

  dial(net, seen, numbered(1));
  dial(net, seen, numbered(NameCache::kNamesMost));
  const std::uint64_t kept = net.lookups();
  dial(net, seen, numbered(0));

  CHECK(asked == NameCache::kNamesMost + 1);
  CHECK(kept == asked);
  CHECK(net.lookups() == asked + 1);
}

TEST_CASE("name cache: names that fail do not push out one that is good") {
  Events seen;
  testing::Net net;
  net.name("db.test", {"10.0.0.1"});
  net.place("tcp://10.0.0.1:80");
  dial(net, seen, "db.test");
  for (std::size_t i = 0; i < 2 * NameCache::kNamesMost; ++i) dial(net, seen, numbered(i));
  const std::uint64_t before = net.lookups();

  dial(net, seen, "db.test");

  CHECK(net.lookups() == before);
}

TEST_CASE("name cache: every loop has its own") {
  Events seen;
  testing::Net net({.loops = 2});
  net.name("db.test", {"10.0.0.1"});
  net.place("tcp://10.0.0.1:80");

  for (int i = 0; i < 3; ++i) {
    dial(net, seen, "db.test", 0);
    dial(net, seen, "db.test", 1);
  }

  CHECK(net.lookups() == 2);
}

TEST_CASE("name cache: an answer that comes after the net has stopped is nobody's") {
  Events seen;
  std::vector<std::string> answers;
  {
    testing::Net net;
    net.name("db.test", {"10.0.0.1"}, Millis{100});
    dial(net, seen, "db.test");
    ask(net, answers, "db.test");
  }
  CHECK(answers.empty());
}
