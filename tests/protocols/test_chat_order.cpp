// One room over two loops, TCP and Unix sockets: everybody hears the same lines in the same order.
#include <algorithm>
#include <catch2/catch.hpp>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <memory>
#include <protocols/chat/chat.hpp>

#include <fcntl.h>
#include <netinet/tcp.h>

#include "core/real_client.hpp"

using namespace weir;
using weir::protocols::kChat;
using weir::test::RealClient;
using weir::test::RunningServer;

namespace {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int kLines = 5'000;
#else
constexpr int kLines = 50'000;
#endif
constexpr int kMembers = 200;
constexpr int kSenders = 20;
constexpr int kAhead = 50;  // Lines of a sender that the slowest member has not read yet.

std::string scratch_path() { return "/tmp/weir-test-" + std::to_string(::getpid()) + "-chat"; }

// A member that reads whatever there is and notes the numbers of the lines it hears.
class Ear {
 public:
  explicit Ear(const Url& url) : client_(url) {
    REQUIRE(client_.connected());
    ::fcntl(client_.socket(), F_SETFL, O_NONBLOCK);
    // Or a line waits for the acknowledgement of the one before, which the server's kernel puts off. On a
    // Unix socket this fails, and is not needed.
    const int on = 1;
    ::setsockopt(client_.socket(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }

  int socket() const { return client_.socket(); }
  bool holds() const { return client_.holds(); }
  bool say(int line) { return client_.send(std::to_string(line) + "\r\n"); }

  void read() {
    char piece[64 << 10];
    for (;;) {
      const ssize_t got = client_.recv(piece, sizeof piece);
      if (got <= 0) break;
      text_.append(piece, static_cast<std::size_t>(got));
    }
    std::size_t at = 0;
    for (std::size_t end; (end = text_.find('\n', at)) != std::string::npos; at = end + 1) {
      note(std::string_view(text_).substr(at, end - at));
    }
    text_.erase(0, at);
  }

  std::vector<int> heard;
  int missed = 0;
  bool is_in = false;  // It has been told which room this is.

 private:
  void note(std::string_view line) {
    constexpr std::string_view kMissed = "* you read too slowly and missed ";
    const bool told = line.starts_with(kMissed);
    const std::size_t from = told ? kMissed.size() : line.find("> ") + 2;
    is_in = is_in || line.starts_with("* this is ");
    if (!told && !line.starts_with('<')) return;
    int number = -1;
    std::from_chars(line.data() + from, line.data() + line.size(), number);
    if (told) {
      missed += number;
    } else {
      heard.push_back(number);
    }
  }

  RealClient client_;
  std::string text_;
};

void listen_to_all(std::vector<std::unique_ptr<Ear>>& ears, int timeout) {
  std::vector<pollfd> looks;
  for (const auto& ear : ears) looks.push_back({ear->socket(), POLLIN, 0});
  ::poll(looks.data(), looks.size(), timeout);
  for (std::size_t i = 0; i < ears.size(); ++i) {
    if (looks[i].revents != 0 || ears[i]->holds()) ears[i]->read();
  }
}

int heard_by(const Ear& ear) { return static_cast<int>(ear.heard.size()) + ear.missed; }

// Senders take turns, as far ahead of the slowest hearer as they may be.
void talk(std::vector<std::unique_ptr<Ear>>& ears) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(4);
  int said = 0;
  for (int slowest = 0; slowest < kLines;) {
    REQUIRE(std::chrono::steady_clock::now() < until);
    for (; said < kLines && said - slowest < kAhead * kSenders; ++said) {
      REQUIRE(ears[static_cast<std::size_t>(said % kSenders)]->say(said));
    }
    listen_to_all(ears, 100);
    slowest = said;
    for (int i = 0; i < kMembers; ++i) {
      const int own = i < kSenders ? said / kSenders : 0;
      slowest = std::min(slowest, heard_by(*ears[static_cast<std::size_t>(i)]) + own);
    }
  }
}

// The numbers without those that a sender itself said, which it does not hear.
std::vector<int> without(const std::vector<int>& all, int sender) {
  std::vector<int> rest;
  for (const int line : all) {
    if (line % kSenders != sender) rest.push_back(line);
  }
  return rest;
}

}  // namespace

TEST_CASE("chat: 200 members on two loops and two transports hear one order", "[loops]") {
  const std::string path = scratch_path();
  Listen service;
  service.at = {Url::parse("tcp://127.0.0.1:0"), Url::parse("unix://" + path)};
  service.speak = "chat";
  service.options = {{"messages-per-second", {"0"}}, {"backlog-max", {"192KiB"}}};
  ServerOptions options;
  options.loops = 2;
  RunningServer server(options, {kChat}, {service});
  std::vector<std::unique_ptr<Ear>> ears;
  for (int i = 0; i < kMembers; ++i) {
    ears.push_back(std::make_unique<Ear>(server.url(static_cast<std::size_t>(i % 2))));
  }
  const auto begun = std::chrono::steady_clock::now();
  const auto everybody = [&] {
    return std::all_of(ears.begin(), ears.end(), [](const auto& ear) { return ear->is_in; });
  };
  while (!everybody()) {  // Accepted is not joined: that is for the other loop to do.
    REQUIRE(std::chrono::steady_clock::now() - begun < std::chrono::seconds(20));
    listen_to_all(ears, 10);
  }

  talk(ears);

  const Ear* fullest = ears.back().get();  // No sender.
  CHECK(fullest->missed == 0);
  REQUIRE(fullest->heard.size() == static_cast<std::size_t>(kLines));
  for (int i = 0; i < kMembers; ++i) {
    const Ear& ear = *ears[static_cast<std::size_t>(i)];
    const bool sender = i < kSenders;
    INFO("member " << i);
    CHECK(heard_by(ear) == (sender ? kLines - kLines / kSenders : kLines));
    if (ear.missed > 0) continue;
    CHECK((ear.heard == (sender ? without(fullest->heard, i) : fullest->heard)));
  }
  ears.clear();
  CHECK(server.stop() == 0);
}
