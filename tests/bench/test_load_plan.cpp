#include <catch2/catch.hpp>

#include <bench/load/plan.hpp>

using namespace weir;
using namespace weir::load;

namespace {

using Faults = std::vector<std::string>;

Faults settle(Plan plan, const std::string& scenario,
              const std::string& url = "tcp://127.0.0.1:7007") {
  return plan.settle(scenario, url, {});
}

Plan asking(std::string request) {
  Plan plan;
  plan.send = std::move(request);
  plan.reply.line = true;
  plan.settle("ask", "tcp://127.0.0.1:7007", {});
  return plan;
}

}  // namespace

TEST_CASE("plan: a target alone is enough for what needs no forwarder") {
  const std::string scenario = GENERATE("echo", "rate", "idle", "storm", "churn", "bulk", "silent");

  CHECK(settle({}, scenario).empty());
}

TEST_CASE("plan: a wrong scenario is told with the one that was meant") {
  CHECK(settle({}, "ehco") == Faults{"there is no scenario \"ehco\"; did you mean \"echo\"?"});
}

TEST_CASE("plan: what needs the far side says so, and what has no use for it") {
  Plan with_backend;
  with_backend.backend_text = "tcp://127.0.0.1:9001";
  Plan down;
  down.way = "down";

  CHECK(settle(down, "bulk") ==
        Faults{"bulk --way down needs --backend URL, where the forwarder dials back"});
  CHECK(settle({}, "mix") == Faults{"mix needs --backend URL, where the forwarder dials back"});
  CHECK(settle(with_backend, "fanout") == Faults{"fanout has no use for --backend"});
  CHECK(settle(with_backend, "mix").empty());
}

TEST_CASE("plan: messages of one way are large unless told") {
  Plan plain;
  Plan told;
  told.size = 1'000;

  plain.settle("bulk", "tcp://127.0.0.1:7007", {});
  told.settle("bulk", "tcp://127.0.0.1:7007", {{"size", {"1000"}}});

  CHECK(plain.size == 256u << 10);
  CHECK(told.size == 1'000);
}

TEST_CASE("plan: process ids are read one by one, a wrong one is told") {
  Plan good;
  good.server_pid_text = "12,345";
  Plan bad;
  bad.server_pid_text = "12,x";

  good.settle("echo", "tcp://127.0.0.1:7007", {});

  CHECK(good.server_pids == std::vector<int>{12, 345});
  CHECK(settle(bad, "echo") ==
        Faults{"server-pid: \"x\" is no process id, expected PID, PID,PID... or none"});
}

TEST_CASE("plan: targets are dialled in turn, and for each round of them the next source") {
  Plan plan;
  plan.targets_text = "127.0.0.7,127.0.0.8";
  plan.sources_text = "2";
  REQUIRE(plan.settle("churn", "tcp://127.0.0.1:7007?nodelay=on", {}).empty());

  CHECK(plan.target_of(0).text() == "tcp://127.0.0.7:7007");
  CHECK(plan.target_of(1).text() == "tcp://127.0.0.8:7007");
  CHECK(plan.target_of(0).value("source") == "127.0.0.2");
  CHECK(plan.target_of(1).value("source") == "127.0.0.2");
  CHECK(plan.target_of(2).value("source") == "127.0.0.3");
  CHECK(plan.target_of(4).value("source") == "127.0.0.2");
  CHECK(plan.target_of(4).value("nodelay") == "on");
}

TEST_CASE(
    "plan: without sources and targets the URL is taken as it is, and Unix sockets have neither") {
  Plan one;
  one.settle("churn", "tcp://127.0.0.1:7007", {});
  Plan of_unix;
  of_unix.sources_text = "2";

  CHECK(one.target_of(5).text() == "tcp://127.0.0.1:7007");
  CHECK(settle(of_unix, "churn", "unix:///x").size() == 1);
  CHECK(settle(of_unix, "churn").empty());
}

TEST_CASE("plan: agents share the connections and the rate, and nothing is lost") {
  Plan plan;
  plan.agents = 3;
  plan.connections = 100;
  plan.rate = 1'000;
  plan.targets_text = "2";
  plan.settle("rate", "tcp://127.0.0.1:7007", {});

  std::int64_t connections = 0;
  std::int64_t rate = 0;
  for (std::size_t agent = 0; agent < 3; ++agent) {
    connections += plan.share(agent).connections;
    rate += plan.share(agent).rate;
  }

  CHECK(connections == 100);
  CHECK(rate == 1'000);
  CHECK(plan.share(1).target_of(0).text() == plan.target_of(33).text());
}

TEST_CASE("plan: more agents than there is to share, or of what cannot be shared, are a fault") {
  Plan many;
  many.agents = 60;
  Plan two;
  two.agents = 2;
  two.connections = 100;

  CHECK(settle(many, "echo") == Faults{"60 agents are too many for 50 --connections"});
  CHECK(settle(two, "fanout") == Faults{"fanout runs in one process: no --agents"});
  CHECK(settle(two, "echo").empty());
}

TEST_CASE("plan: an abuse needs a target that it can be done to") {
  CHECK(settle({}, "unfinished-handshake") == Faults{"unfinished-handshake needs a tls:// URL"});
  CHECK(settle({}, "half-open", "unix:///x") == Faults{"half-open needs a tcp:// URL"});
  CHECK(settle({}, "half-open").empty());
}

TEST_CASE("plan: a request is taken with its escapes") {
  CHECK(asking("GET /\\r\\n\\\\n\\x").send == "GET /\r\n\\n\\x");
  CHECK(asking("a\\0b").send == std::string("a\0b", 3));
}

TEST_CASE("plan: ask wants a request, one that can be read, and one end of the reply") {
  Plan no_end;
  no_end.send = std::string("x");
  Plan two_ends = no_end;
  two_ends.reply.line = true;
  two_ends.reply.http = true;
  Plan no_request;
  no_request.reply.line = true;
  Plan no_file;
  no_file.send = std::string("@/nowhere/at/all");
  no_file.reply.line = true;

  const Faults one_end{
      "--send needs one of --reply-bytes, --reply-line, --reply-until and --reply-http"};
  CHECK(settle(no_end, "ask") == one_end);
  CHECK(settle(two_ends, "ask") == one_end);
  CHECK(settle(no_request, "ask") == Faults{"ask needs something to --send"});
  CHECK(settle(no_file, "ask") == Faults{"send: cannot read \"/nowhere/at/all\", or it is empty"});
}

TEST_CASE("plan: handshakes are of TLS, full unless they are to be resumed, and then few at once") {
  Plan resumed;
  resumed.resumed = true;
  resumed.connections = 8;
  Plan many = resumed;
  many.connections = 9;
  const std::string url = "tls://127.0.0.1:7443?verify=off";
  Plan full;

  CHECK(full.settle("handshake", url, {}).empty());
  CHECK(full.target.value("tickets") == "off");
  CHECK(full.target.value("verify") == "off");
  CHECK(resumed.settle("handshake", url, {}).empty());
  CHECK_FALSE(resumed.target.value("tickets"));
  CHECK(many.settle("handshake", url, {}) ==
        Faults{"handshake --resumed takes at most 8 --connections for each agent"});
  CHECK(settle({}, "handshake") == Faults{"handshake needs a tls:// or tls+unix:// URL"});
}
