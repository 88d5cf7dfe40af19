#include <catch2/catch.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bench/doctor/listeners.hpp>
#include <bench/doctor/system_facts.hpp>
#include <bench/doctor/target_facts.hpp>

using namespace weir;
using namespace weir::load;

namespace {

Address address(const std::string& ip, std::uint16_t port) {
  return Address::parse(ip, port).value_or(Address());
}

SocketRow listening(const std::string& ip, std::uint16_t port, std::uint64_t inode) {
  return {address(ip, port), address("0.0.0.0", 0), kListen, 0, inode};
}

std::vector<std::pair<std::uint64_t, int>> ranked(const SocketTable& table, const char* ip) {
  std::vector<std::pair<std::uint64_t, int>> found;
  for (const RankedRow& each : rows_for(table, address(ip, 80))) {
    found.emplace_back(each.row->inode, each.rank);
  }
  return found;
}

// A socket that listens on a port of loopback that the system chooses.
class ListeningSocket {
 public:
  explicit ListeningSocket(int backlog) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&at), size) == 0);
    REQUIRE(::listen(socket_, backlog) == 0);
    REQUIRE(::getsockname(socket_, reinterpret_cast<sockaddr*>(&at), &size) == 0);
    url_ = Url::parse("tcp://127.0.0.1:" + std::to_string(ntohs(at.sin_port)));
  }
  ~ListeningSocket() { ::close(socket_); }
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;

  const Url& url() const { return url_; }

 private:
  int socket_;
  Url url_;
};

}  // namespace

TEST_CASE("listeners: the address itself comes before every one, IPv4's before both families'") {
  const SocketTable table{
      {listening("::", 80, 1), listening("0.0.0.0", 80, 2), listening("127.0.0.1", 80, 3),
       listening("127.0.0.2", 80, 4), listening("127.0.0.1", 81, 5), listening("::1", 80, 6)},
      true,
      false};

  CHECK(ranked(table, "127.0.0.1") ==
        std::vector<std::pair<std::uint64_t, int>>{{3, 2}, {2, 1}, {1, 0}});
  CHECK(ranked(table, "::1") == std::vector<std::pair<std::uint64_t, int>>{{6, 2}, {1, 1}});
}

TEST_CASE("listeners: a socket that only connects or rests is none") {
  SocketRow row = listening("127.0.0.1", 80, 1);
  row.state = GENERATE(1u, kTimeWait);

  CHECK(ranked({{row}, true, false}, "127.0.0.1").empty());
}

#ifdef __linux__
TEST_CASE("listeners: the process that listens is found, with the socket's backlog") {
  const ListeningSocket socket(7);

  CHECK(listeners_of(socket.url()) == std::vector<int>{::getpid()});
  Intent intent;
  intent.target = socket.url();
  const TargetFacts facts = read_target_facts(intent, read_system_facts(), Trial::never);
  CHECK(facts.place == Place::loopback);
  CHECK(facts.listeners_known);
  REQUIRE(facts.listeners.size() == 1);
  CHECK(facts.listeners.front().backlog == 7u);
  CHECK(facts.unserved.empty());
}

TEST_CASE("listeners: a port where nobody listens has none, and no connection is taken there") {
  Intent intent;
  const Url url = ListeningSocket(1).url();
  intent.target = url;

  CHECK(listeners_of(url).empty());
  const TargetFacts facts = read_target_facts(intent, read_system_facts(), Trial::allowed);
  CHECK(facts.unserved == std::vector<std::string>{url.text().substr(6)});
  CHECK(facts.answers == false);
}

TEST_CASE("listeners: what is elsewhere has none here") {
  Intent intent;
  const Url url = Url::parse("tcp://198.51.100.1:80");
  intent.target = url;

  CHECK(read_target_facts(intent, read_system_facts(), Trial::allowed).place == Place::elsewhere);
  CHECK(listeners_of(url).empty());
}
#endif
