// Loop::connect over real sockets, where most attempts are over by the time the kernel was asked.
#include <atomic>

#include <catch2/catch.hpp>

#include <weir/server.hpp>

#include "echo_service.hpp"
#include "real_client.hpp"

using namespace weir;
using weir::test::echo_at;
using weir::test::kEcho;
using weir::test::RunningServer;

TEST_CASE("dialling: a connection that is made at once opens only when connect() has returned",
          "[loops]") {
  struct Dialling final : Handler {
    explicit Dialling(std::atomic<bool>& asking, std::atomic<int>& early, std::atomic<int>& opened)
        : asking_(asking), early_(early), opened_(opened) {}
    void on_open(Connection& self) override {
      early_ += asking_ ? 1 : 0;
      ++opened_;
      self.close();
    }

   private:
    std::atomic<bool>& asking_;
    std::atomic<int>& early_;
    std::atomic<int>& opened_;
  };
  const std::string path = "/tmp/weir-test-" + std::to_string(::getpid()) + "-at-once";
  for (const std::string& at : {std::string("tcp://127.0.0.1:0"), "unix://" + path}) {
    ServerOptions options;
    RunningServer running(options, {kEcho}, {echo_at(at)});
    std::atomic<bool> asking = false;
    std::atomic<int> early = 0;
    std::atomic<int> opened = 0;
    for (int i = 0; i < 20; ++i) {
      running.server().loop().post([&] {
        asking = true;
        running.server().loop().connect({.to = running.url()},
                                        std::make_unique<Dialling>(asking, early, opened));
        asking = false;
      });
    }
    while (opened < 20) std::this_thread::yield();

    CHECK(early == 0);
    CHECK(running.stop() == 0);
  }
}

TEST_CASE("dialling: an attempt that is refused at once is told of in on_close", "[loops]") {
  struct Refused final : Handler {
    explicit Refused(std::atomic<int>& told) : told_(told) {}
    void on_close(Connection&, const CloseReason& why) override {
      told_ = why.code == CloseReason::Code::connect_refused ? 1 : 2;
    }

   private:
    std::atomic<int>& told_;
  };
  RunningServer running(ServerOptions(), {kEcho}, {echo_at("tcp://127.0.0.1:0")});
  const int bound = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);  // And nobody listens.
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof at;
  REQUIRE(::bind(bound, reinterpret_cast<sockaddr*>(&at), length) == 0);
  REQUIRE(::getsockname(bound, reinterpret_cast<sockaddr*>(&at), &length) == 0);
  const Url nobody = Url::parse("tcp://127.0.0.1:" + std::to_string(ntohs(at.sin_port)));
  std::atomic<int> told = 0;
  running.server().loop().post(
      [&] { running.server().loop().connect({.to = nobody}, std::make_unique<Refused>(told)); });
  while (told == 0) std::this_thread::yield();
  ::close(bound);

  CHECK(told == 1);
  CHECK(running.stop() == 0);
}

TEST_CASE("dialling: a connection comes from the source that the URL names", "[loops]") {
  struct Telling final : Handler {
    explicit Telling(std::string& from, std::atomic<bool>& told) : from_(from), told_(told) {}
    void on_open(Connection& self) override {
      from_ = self.local().text();
      self.close();
    }
    void on_close(Connection&, const CloseReason&) override { told_ = true; }

   private:
    std::string& from_;
    std::atomic<bool>& told_;
  };
  RunningServer running(ServerOptions{}, {kEcho}, {echo_at("tcp://127.0.0.1:0")});
  std::string from;
  std::atomic<bool> told = false;
  running.server().loop().post([&] {
    running.server().loop().connect({.to = Url::parse(running.url().text() + "?source=127.0.0.9")},
                                    std::make_unique<Telling>(from, told));
  });
  while (!told) std::this_thread::yield();

  CHECK_THAT(from, Catch::StartsWith("127.0.0.9:"));
  CHECK(running.stop() == 0);
}

TEST_CASE("dialling: a source is refused where nothing is dialled") {
  Server server;
  server.add(kEcho);

  CHECK_THROWS_WITH(server.listen(echo_at("tcp://127.0.0.1:0?source=127.0.0.9")),
                    Catch::Contains("the query key source is for dialling"));
}
