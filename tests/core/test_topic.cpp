// Topics: who hears what, in which order, and what becomes of the slow.
#include <catch2/catch.hpp>

#include <weir/loop.hpp>
#include <weir/testing.hpp>

using namespace weir;

namespace {

// Joins, and leaves when its handler dies.
class Listener final : public Handler {
 public:
  explicit Listener(Topic& topic, bool joins = true) : topic_(topic), joins_(joins) {}
  void on_open(Connection& self) override {
    if (joins_) member_ = topic_.join(self);
  }
  std::size_t on_data(Connection& self, Bytes data) override {
    topic_.publish(Payload(data), &self);
    return data.size();
  }
  void on_drain(Connection&) override { member_.catch_up(); }

 private:
  Topic& topic_;
  bool joins_;
  Topic::Member member_;
};

testing::Peer& join(testing::Net& net, Topic& topic, std::size_t loop = 0) {
  return net.connect(std::make_unique<Listener>(topic), loop);
}

testing::NetOptions loops(std::size_t count) {
  testing::NetOptions options;
  options.loops = count;
  return options;
}

Payload missed_notice(std::uint64_t missed) { return Payload("(" + std::to_string(missed) + ")"); }

// One turn each.
void publish_thirty(testing::Net& net, Topic& topic, std::size_t size) {
  for (int i = 0; i < 30; ++i) {
    topic.publish(Payload(std::string(size, 'x')));
    net.run();
  }
}

}  // namespace

TEST_CASE("topic: what is published reaches every member but the one it comes from") {
  const std::size_t count = GENERATE(1u, 3u);
  Topic topic;
  testing::Net net(loops(count));
  auto& one = join(net, topic);
  auto& two = join(net, topic, count - 1);
  auto& three = join(net, topic, count / 2);

  two.send("hello");
  net.run();

  CHECK(one.take() == "hello");
  CHECK(two.take().empty());
  CHECK(three.take() == "hello");
  CHECK(topic.members() == 3);
}

TEST_CASE("topic: what nobody's connection published reaches all") {
  Topic topic;
  testing::Net net(loops(2));
  auto& one = join(net, topic, 0);
  auto& two = join(net, topic, 1);

  topic.publish(Payload("news"));
  net.run();

  CHECK(one.take() == "news");
  CHECK(two.take() == "news");
}

TEST_CASE("topic: who publishes need not be a member") {
  Topic topic;
  testing::Net net;
  auto& member = join(net, topic);
  auto& stranger = net.connect(std::make_unique<Listener>(topic, false));

  stranger.send("from outside");

  CHECK(member.take() == "from outside");
  CHECK(stranger.take().empty());
}

TEST_CASE("topic: payloads of one turn leave in one system call to each member") {
  Topic topic;
  testing::Net net;
  auto& member = join(net, topic);
  const std::uint64_t before = member.sends();

  net.loop().post([&] {
    for (int i = 0; i < 16; ++i) topic.publish(Payload("line " + std::to_string(i) + "\n"));
  });
  net.run();

  CHECK(member.take().ends_with("line 15\n"));
  CHECK(member.sends() == before + 1);
}

TEST_CASE("topic: who joins hears the history and then all that follows, nothing twice") {
  TopicOptions options;
  options.history = 2;
  Topic topic(options);
  testing::NetOptions net_options = loops(2);
  net_options.automatic = false;
  testing::Net net(net_options);
  join(net, topic, 0);
  join(net, topic, 1);
  net.run();
  topic.publish(Payload("1 "));
  topic.publish(Payload("2 "));
  topic.publish(Payload("3 "));
  topic.publish(Payload("not kept "), nullptr, false);

  // The others' loops still have all of it in their inboxes.
  auto& late = join(net, topic, 1);
  net.run();
  topic.publish(Payload("4 "));
  net.run();

  CHECK(late.take() == "2 3 4 ");
}

TEST_CASE("topic: who has left hears nothing more, wherever a payload was on its way") {
  Topic topic;
  testing::NetOptions options = loops(2);
  options.automatic = false;
  testing::Net net(options);
  auto& stays = join(net, topic, 0);
  auto& leaves = join(net, topic, 1);
  net.run();

  topic.publish(Payload("too late"));
  leaves.reset();
  net.run();

  CHECK(stays.take() == "too late");
  CHECK(topic.members() == 1);
  topic.publish(Payload(", again"));
  net.run();
  CHECK(stays.take() == ", again");
}

TEST_CASE("topic: a slow member misses payloads and is told how many, and no other does") {
  TopicOptions options;
  options.backlog_max = 100;
  options.notice = missed_notice;
  Topic topic(options);
  testing::Net net;
  auto& fast = join(net, topic);
  auto& slow = join(net, topic);
  slow.room(1000);
  slow.stall();

  publish_thirty(net, topic, 100);
  slow.unstall();
  net.run();

  const std::size_t heard = slow.take().size() / 100;
  CHECK(fast.take().size() == 3'000);
  CHECK(heard >= 7);  // In its room TLS takes up to 30 bytes more for each.
  CHECK(heard <= 12);
  topic.publish(Payload("end"));
  net.run();
  CHECK(slow.take() == "(" + std::to_string(30 - heard) + ")end");
}

TEST_CASE("topic: a member is not let so far behind that its connection's own bound would end it") {
  TopicOptions options;
  options.backlog_max = 1 << 20;
  options.notice = missed_notice;
  Topic topic(options);
  testing::NetOptions small;
  small.limits.write_max = 20'000;
  testing::Net net(small);
  auto& slow = join(net, topic);
  slow.room(1000);
  slow.stall();

  publish_thirty(net, topic, 1'000);

  REQUIRE_FALSE(slow.gone());
  slow.unstall();
  net.run();
  CHECK(slow.take().size() > 10'000);
}

TEST_CASE("topic: a slow member that drains is told what it missed before anything else is said") {
  TopicOptions options;
  options.backlog_max = 20'000;  // Above the high mark, so that a drain follows.
  options.notice = missed_notice;
  Topic topic(options);
  testing::Net net;
  auto& slow = join(net, topic);
  slow.room(1000);
  slow.stall();

  publish_thirty(net, topic, 1'000);
  slow.unstall();
  net.run();

  const std::string heard = slow.take();
  CHECK(heard.ends_with("x(" + std::to_string(30 - heard.size() / 1'000) + ")"));
}

TEST_CASE("topic: with close_slow a slow member is aborted for want of room") {
  TopicOptions options;
  options.backlog_max = 100;
  options.close_slow = true;
  Topic topic(options);
  testing::Net net;
  auto& fast = join(net, topic);
  auto& slow = join(net, topic);
  slow.room(1000);
  slow.stall();

  publish_thirty(net, topic, 100);

  REQUIRE(slow.gone());
  CHECK(slow.reason()->error == ENOBUFS);
  CHECK(fast.take().size() == 3'000);
  CHECK(topic.members() == 1);
}

TEST_CASE("topic: a loop that is far behind loses payloads, and its members are told how many") {
  TopicOptions options;
  options.backlog_max = 64 << 20;
  options.notice = missed_notice;
  Topic topic(options);
  testing::NetOptions net_options = loops(2);
  net_options.automatic = false;
  net_options.limits.write_max = 64 << 20;
  testing::Net net(net_options);
  auto& here = join(net, topic, 0);
  auto& there = join(net, topic, 1);
  net.run();

  const std::string block(1 << 20, 'x');
  for (int i = 0; i < 6; ++i) {
    topic.publish(Payload(block));
    while (net.turn(0)) {
    }
  }
  net.run();
  topic.publish(Payload("end"));
  net.run();

  CHECK(here.take() == block + block + block + block + block + block + "end");
  CHECK(there.take() == block + block + block + "(3)end");
}

TEST_CASE("topic: the history that is shown is no more than a member may be behind") {
  TopicOptions options;
  options.history = 100;
  options.backlog_max = 250;
  Topic topic(options);
  testing::Net net;
  for (int i = 0; i < 100; ++i) topic.publish(Payload(std::string(99, 'x') + "\n"));
  topic.publish(Payload("last"));

  auto& late = join(net, topic);

  CHECK(late.take() == std::string(99, 'x') + "\n" + std::string(99, 'x') + "\nlast");
}

TEST_CASE("topic: what a slow member is sent alone is missed and told of like the rest") {
  TopicOptions options;
  options.backlog_max = 100;
  options.notice = missed_notice;
  Topic topic(options);
  struct Alone final : Handler {
    explicit Alone(Topic& of) : topic(of) {}
    void on_open(Connection& self) override { member = topic.join(self); }
    Topic& topic;
    Topic::Member member;
  };
  testing::Net net;
  auto handler = std::make_unique<Alone>(topic);
  Alone& alone = *handler;
  auto& slow = net.connect(std::move(handler));
  slow.room(1000);
  slow.stall();

  for (int i = 0; i < 30; ++i) {
    net.loop().post([&] { alone.member.send(Payload(std::string(100, 'x'))); });
    net.run();
  }
  slow.unstall();
  net.run();

  const std::size_t heard = slow.take().size() / 100;
  net.loop().post([&] { alone.member.send(Payload("end")); });
  net.run();
  CHECK(heard < 30);
  CHECK(slow.take() == "(" + std::to_string(30 - heard) + ")end");
}

TEST_CASE("topic: new options hold from the next payload on") {
  Topic topic;
  testing::Net net;
  auto& member = join(net, topic);
  topic.publish(Payload("1"));
  TopicOptions options;
  options.history = 1;
  topic.set(options);
  topic.publish(Payload("2"));
  topic.publish(Payload("3"));
  net.run();

  auto& late = join(net, topic);

  CHECK(member.take() == "123");
  CHECK(late.take() == "3");
}
