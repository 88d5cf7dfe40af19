// Reload over real sockets: what changes, what stays, and that a fault changes nothing.
#include <atomic>
#include <filesystem>

#include <catch2/catch.hpp>

#include <weir/framing.hpp>
#include <weir/server.hpp>
#include <weir/testing_tls.hpp>

#include "real_client.hpp"
#include "worlds.hpp"

using namespace weir;
using weir::test::RealClient;

namespace {

// Answers each line with its option, and counts its living services.
class Said final : public LineHandler {
 public:
  struct Options {
    std::string word = "first";
    void read(OptionReader& in) { in.text("word", word, "the answer"); }
  };
  explicit Said(const Options& options) : options_(options) {}
  void on_line(Connection& self, std::string_view) override { self.write(options_.word + "\n"); }

 private:
  const Options& options_;
};
constexpr ServiceType kSaid = handler_type<Said>("said", "Answers with a word.");

// The same, but open connections get the new word as well.
class Living final : public Protocol {
 public:
  using Options = Said::Options;
  explicit Living(const Options& options) : word_(options.word) { ++alive; }
  ~Living() override { --alive; }

  std::unique_ptr<Service> open(Loop&) override {
    struct Lines final : Service {
      explicit Lines(Living& of) : living(of) {}
      std::unique_ptr<Handler> accept(Connection&) override {
        struct Line final : LineHandler {
          explicit Line(Living& of) : living(of) {}
          void on_line(Connection& self, std::string_view) override {
            self.write(living.word() + "\n");
          }
          Living& living;
        };
        return std::make_unique<Line>(living);
      }
      Living& living;
    };
    return std::make_unique<Lines>(*this);
  }
  void reload(OptionReader& in) override {
    Options options;
    options.read(in);
    const std::lock_guard lock(mutex_);
    word_ = options.word;
  }
  std::string word() {
    const std::lock_guard lock(mutex_);
    return word_;
  }

  static inline std::atomic<int> alive = 0;

 private:
  std::mutex mutex_;
  std::string word_;
};
constexpr ServiceType kLiving = protocol_type<Living>("living", "Answers with a word.");

// Cannot be opened.
class Broken final : public Protocol {
 public:
  std::unique_ptr<Service> open(Loop&) override { throw SetupError("broken: it never works"); }
};
constexpr ServiceType kBroken = protocol_type<Broken>("broken", "Cannot be opened.");

Listen service(const ServiceType& type, const std::vector<std::string>& at,
               const std::string& word = "first") {
  Listen listen;
  listen.speak = type.name;
  for (const std::string& url : at) listen.at.push_back(Url::parse(url));
  if (type.make != kBroken.make) listen.options = {{"word", {word}}};
  return listen;
}

// A server whose next services the test says.
class Changing {
 public:
  explicit Changing(const std::vector<Listen>& services, unsigned loops = 2) {
    ServerOptions options;
    options.loops = loops;
    options.signals = false;
    options.level = Level::info;
    options.log = [this](const LogLine& line) {
      signal_.change([&] { log_ += std::string(line.text) + "\n"; });
    };
    options.on_ready = [this] { signal_.change([this] { ready_ = true; }); };
    options.on_reload = [this] {
      Reload next;
      next.drain = Millis{2'000};
      signal_.change([&] {
        next.services = next_;
        ++begun_;
      });
      if (next.services.empty()) throw SetupError("there is nothing to serve");
      return next;
    };
    options.on_reloaded = [this](bool changed) {
      signal_.change([&] {
        ++done_;
        changed_ = changed;
      });
    };
    server_ = std::make_unique<Server>(options);
    for (const ServiceType& type : {kSaid, kLiving, kBroken}) server_->add(type);
    for (const Listen& each : services) server_->listen(each);
    thread_ = std::thread([this] { result_ = server_->run(); });
    signal_.wait([this] { return ready_; });
  }
  ~Changing() {
    server_->abort();
    if (thread_.joinable()) thread_.join();
  }

  // True: the server has changed over.
  bool change(std::vector<Listen> next) {
    int before = 0;  // These have read what was next until now.
    signal_.change([&] {
      next_ = std::move(next);
      before = begun_;
    });
    server_->reload();
    REQUIRE(signal_.wait([&] { return done_ > before; }));
    return changed_;
  }

  Url url(std::size_t index = 0) const { return server_->bound().at(index).url; }
  Server& server() { return *server_; }
  std::string log() {
    std::string text;
    signal_.change([&] { text = log_; });
    return text;
  }
  int stop() {
    server_->stop();
    thread_.join();
    return result_;
  }

 private:
  worlds::Signal signal_;
  std::vector<Listen> next_;
  std::string log_;
  bool ready_ = false;
  bool changed_ = false;
  int begun_ = 0;
  int done_ = 0;
  int result_ = -1;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

std::string ask(RealClient& client) {
  client.send("?\n");
  std::string line;
  while (!line.ends_with('\n')) {
    const std::string more = client.read(1);
    if (more.empty()) break;
    line += more;
  }
  return line;
}

std::string ask(const Url& url) {
  RealClient client(url);
  return client.connected() ? ask(client) : "refused";
}

constexpr const char* kAnyPort = "tcp://127.0.0.1:0";

// The same over TLS, with more keys of the query.
std::string any_tls_port(const std::string& more) {
  const testing::TlsFiles& files = testing::tls_files();
  return "tls://127.0.0.1:0?cert=" + files.certificate + "&key=" + files.key + more;
}

std::string scratch(const std::string& name) {
  return "/tmp/weir-test-" + std::to_string(::getpid()) + "-" + name;
}

}  // namespace

TEST_CASE("reload: a socket that stays is the same, one that is new accepts, one that goes refuses",
          "[loops]") {
  const std::string old_path = scratch("old");
  const std::string new_path = scratch("new");
  Changing server({service(kSaid, {kAnyPort, "unix://" + old_path})});
  const Url stays = server.url(0);

  REQUIRE(server.change({service(kSaid, {kAnyPort, "unix://" + new_path})}));

  CHECK(ask(stays) == "first\n");
  CHECK(server.url(0).port() == stays.port());
  CHECK(ask(Url::parse("unix://" + new_path)) == "first\n");
  CHECK(ask(Url::parse("unix://" + old_path)) == "refused");
  CHECK_FALSE(std::filesystem::exists(old_path));
  CHECK(server.stop() == 0);
  CHECK_FALSE(std::filesystem::exists(new_path));
}

TEST_CASE("reload: open connections keep the options they began with, and new ones get the new",
          "[loops]") {
  Changing server({service(kSaid, {kAnyPort})});
  RealClient open(server.url());
  CHECK(ask(open) == "first\n");

  REQUIRE(server.change({service(kSaid, {kAnyPort}, "second")}));

  CHECK(ask(open) == "first\n");
  CHECK(ask(server.url()) == "second\n");
  REQUIRE(server.change({service(kSaid, {kAnyPort}, "third")}));
  CHECK(ask(open) == "first\n");
  CHECK(ask(server.url()) == "third\n");
  open.end();
  open.read_all();
  CHECK(server.stop() == 0);
}

TEST_CASE("reload: a protocol that takes new options itself goes on with all it has", "[loops]") {
  {
    Changing server({service(kLiving, {kAnyPort})});
    RealClient open(server.url());
    CHECK(ask(open) == "first\n");

    REQUIRE(server.change({service(kLiving, {kAnyPort}, "second")}));

    CHECK(ask(open) == "second\n");
    CHECK(Living::alive == 1);
  }
  CHECK(Living::alive == 0);
}

TEST_CASE("reload: the connections of a service that is removed are ended in order", "[loops]") {
  Changing server({service(kSaid, {kAnyPort}), service(kLiving, {kAnyPort})});
  RealClient removed(server.url(1));
  RealClient stays(server.url(0));
  CHECK(ask(removed) == "first\n");
  CHECK(ask(stays) == "first\n");

  REQUIRE(server.change({service(kSaid, {kAnyPort})}));

  CHECK(removed.read_all().empty());
  CHECK(removed.ended());
  CHECK(ask(stays) == "first\n");
  removed.close();
  const auto begun = std::chrono::steady_clock::now();
  while (Living::alive > 0) {
    REQUIRE(std::chrono::steady_clock::now() - begun < std::chrono::seconds(20));
    std::this_thread::yield();
  }
  stays.close();
  CHECK(server.stop() == 0);
}

TEST_CASE("reload: a service may change its protocol and keep its socket", "[loops]") {
  Listen before = service(kSaid, {kAnyPort});
  Listen after = service(kLiving, {kAnyPort}, "living");
  before.name = after.name = "words";
  Changing server({before});
  const Url at = server.url();

  REQUIRE(server.change({after}));

  CHECK(ask(at) == "living\n");
}

TEST_CASE("reload: whatever is wrong, nothing is changed and the log says what", "[loops]") {
  Changing server({service(kSaid, {kAnyPort})});
  const Url at = server.url();
  RealClient open(at);
  CHECK(ask(open) == "first\n");
  const std::string taken = "tcp://127.0.0.1:" + std::to_string(at.port());
  const std::string fresh = scratch("fresh");

  struct Row {
    std::vector<Listen> next;
    std::string said;
  };
  const std::vector<Row> rows{
      {{}, "reload: there is nothing to serve; nothing is changed"},
      {{service(kSaid, {kAnyPort}, "second"), service(kLiving, {"unix://" + fresh, taken})},
       "Address already in use"},
      {{service(kSaid, {kAnyPort}, "second"), service(kBroken, {"unix://" + fresh})},
       "broken: it never works"},
      {{service(kSaid, {kAnyPort}, "second"), service(kSaid, {"unix://" + fresh})},
       "two services are called \"said\""},
  };
  for (const Row& row : rows) {
    CHECK_FALSE(server.change(row.next));
    CHECK_THAT(server.log(), Catch::Contains(row.said));
    CHECK(ask(open) == "first\n");
    CHECK(ask(at) == "first\n");
    CHECK_FALSE(std::filesystem::exists(fresh));
  }
  CHECK(server.server().bound().size() == 1);
  open.close();
  CHECK(server.stop() == 0);
  CHECK(Living::alive == 0);
}

TEST_CASE("reload: a storm of them ends in the last state, with no descriptor more", "[loops]") {
  Changing server({service(kSaid, {kAnyPort})});
  const auto descriptors = [] {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) {
      ++count;
    }
    return count;
  };
  REQUIRE(server.change({service(kSaid, {kAnyPort}, "0")}));
  const std::size_t before = descriptors();

  for (int i = 0; i < 50; ++i) server.server().reload();
  for (int i = 1; i <= 20; ++i) {
    REQUIRE(server.change({service(kSaid, {kAnyPort}, std::to_string(i))}));
  }

  CHECK(ask(server.url()) == "20\n");
  const auto begun = std::chrono::steady_clock::now();
  while (descriptors() > before) {  // The server has not closed its end of the question yet.
    REQUIRE(std::chrono::steady_clock::now() - begun < std::chrono::seconds(20));
    std::this_thread::yield();
  }
  CHECK(server.stop() == 0);
}

TEST_CASE("reload: a new idle timeout ends a connection that is open already", "[loops]") {
  Changing server({service(kSaid, {kAnyPort})});
  RealClient open(server.url());
  CHECK(ask(open) == "first\n");
  Listen shorter = service(kSaid, {kAnyPort});
  shorter.timeouts.idle = Millis{100};

  REQUIRE(server.change({shorter}));

  CHECK(open.read_all().empty());
  CHECK(open.ended());
}

TEST_CASE("reload: a server that stops meanwhile stops", "[loops]") {
  Changing server({service(kSaid, {kAnyPort})});

  for (int i = 0; i < 10; ++i) server.server().reload();

  CHECK(server.stop() == 0);
}

TEST_CASE("reload: new keys of TLS hold for new handshakes, on the same socket", "[loops][plain]") {
  Changing server({service(kSaid, {any_tls_port("&alpn=one")})});
  const Url before = server.url();
  RealClient old(before);
  REQUIRE(ask(old) == "first\n");

  REQUIRE(server.change({service(kSaid, {any_tls_port("&alpn=two&tls-min=1.3")}, "second")}));

  CHECK(server.url().text() == before.text());
  CHECK(ask(server.url()) == "second\n");
  CHECK(ask(old) == "first\n");
}

TEST_CASE("reload: a certificate that cannot be used changes nothing", "[loops][plain]") {
  Changing server({service(kSaid, {any_tls_port("")})});
  const testing::TlsFiles& files = testing::tls_files();

  CHECK_FALSE(server.change({service(
      kSaid, {"tls://127.0.0.1:0?cert=" + files.certificate + "&key=" + files.client_key})}));

  CHECK(ask(server.url()) == "first\n");
  CHECK_THAT(server.log(), Catch::Contains("does not belong to the certificate"));
}

TEST_CASE("reload: TLS goes on in two loops while its keys change again and again",
          "[loops][plain]") {
  Changing server({service(kSaid, {any_tls_port("")})});
  const Url url = server.url();
  std::atomic<bool> over = false;
  std::atomic<int> wrong = 0;
  const auto talk = [&] {
    RealClient lasting(url);
    while (!over) {
      RealClient fleeting(url);
      if (ask(lasting) != "first\n" || ask(fleeting) != "first\n") ++wrong;
    }
  };
  std::thread one(talk);
  std::thread other(talk);

  for (int i = 0; i < 20; ++i) {
    CHECK(server.change({service(kSaid, {any_tls_port("&alpn=a" + std::to_string(i))})}));
  }
  over = true;
  one.join();
  other.join();

  CHECK(wrong == 0);
}
