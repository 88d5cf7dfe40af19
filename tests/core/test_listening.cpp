// What a protocol is told of where it listens.
#include <filesystem>

#include <catch2/catch.hpp>

#include <unistd.h>

#include <weir/server.hpp>

using namespace weir;

namespace {

std::vector<std::string> told;  // By the protocol that was made last.
bool opened = false;

class Silent final : public Service {
  std::unique_ptr<Handler> accept(Connection&) override { return nullptr; }
};

class Curious final : public Protocol {
 public:
  struct Options {
    bool picky = false;
    void read(OptionReader& in) { in.flag("picky", picky, "refuses every place"); }
  };

  explicit Curious(const Options& options) : options_(options) {
    told.clear();
    opened = false;
  }

  void listening(const std::vector<Url>& at) override {
    for (const Url& url : at) told.push_back(url.text());
    if (options_.picky) throw SetupError("curious: not here");
  }

  std::unique_ptr<Service> open(Loop&) override {
    opened = true;
    return std::make_unique<Silent>();
  }

 private:
  const Options options_;
};

constexpr ServiceType kCurious = protocol_type<Curious>("curious", "Wants to know.");

}  // namespace

TEST_CASE("listening: a protocol is told every socket with its real port before it is opened") {
  const std::string path = "unix:///tmp/weir-curious-" + std::to_string(::getpid());
  Server server;
  server.add(kCurious);

  server.listen({.at = {Url::parse("tcp://127.0.0.1:0"), Url::parse(path)}, .speak = "curious"});

  REQUIRE(told.size() == 2);
  CHECK(told[0] == server.bound().at(0).url.text());
  CHECK(told[0] != "tcp://127.0.0.1:0");
  CHECK(told[1] == path);
  CHECK_FALSE(opened);
}

TEST_CASE("listening: a protocol that refuses its places leaves nothing bound") {
  const std::string path = "/tmp/weir-picky-" + std::to_string(::getpid());
  Server server;
  server.add(kCurious);
  const Listen service{.at = {Url::parse("tcp://127.0.0.1:0"), Url::parse("unix://" + path)},
                       .speak = "curious",
                       .options = {{"picky", {}}}};

  CHECK_THROWS_WITH(server.listen(service), "curious: not here");

  CHECK(told.size() == 2);
  CHECK(server.bound().empty());
  CHECK_FALSE(std::filesystem::exists(path));
  Server again;
  again.add(kCurious);
  again.listen({.at = {Url::parse(told[0])}, .speak = "curious"});
  CHECK(again.bound().size() == 1);
}
