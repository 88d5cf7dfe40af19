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
  plan.reply_line = true;
  plan.settle("ask", "tcp://127.0.0.1:7007", {});
  return plan;
}

}  // namespace

TEST_CASE("plan: a target alone is enough for what needs no forwarder") {
  const std::string scenario = GENERATE("echo", "idle", "storm", "churn", "send");

  CHECK(settle({}, scenario).empty());
}

TEST_CASE("plan: a wrong scenario is told with the one that was meant") {
  CHECK(settle({}, "ehco") == Faults{"there is no scenario \"ehco\"; did you mean \"echo\"?"});
}

TEST_CASE("plan: what needs the far side says so, and what has no use for it") {
  Plan with_backend;
  with_backend.backend_text = "tcp://127.0.0.1:9001";
  with_backend.send = std::string("x");
  with_backend.reply_line = true;

  CHECK(settle({}, "receive") ==
        Faults{"receive needs --backend URL, where the forwarder dials back"});
  CHECK(settle({}, "mix") == Faults{"mix needs --backend URL, where the forwarder dials back"});
  CHECK(settle(with_backend, "ask") == Faults{"ask has no use for --backend"});
  CHECK(settle(with_backend, "mix").empty());
}

TEST_CASE("plan: messages of one way are large unless told") {
  Plan plain;
  Plan told;
  told.size = 1'000;

  plain.settle("send", "tcp://127.0.0.1:7007", {});
  told.settle("send", "tcp://127.0.0.1:7007", {{"size", {"1000"}}});

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
        Faults{"server-pid: \"x\" is no process id, expected PID or PID,PID..."});
}

TEST_CASE("plan: several sources take the addresses from 127.0.0.2 on in turn") {
  Plan plan;
  plan.sources = 2;
  plan.settle("churn", "tcp://127.0.0.1:7007", {});

  CHECK(plan.target_of(0).text() == "tcp://127.0.0.2:7007");
  CHECK(plan.target_of(1).text() == "tcp://127.0.0.3:7007");
  CHECK(plan.target_of(2).text() == "tcp://127.0.0.2:7007");
}

TEST_CASE("plan: one source takes the target as it is, others need one on 127.0.0.x") {
  Plan one;
  one.settle("churn", "tcp://127.0.0.1:7007", {});
  Plan several;
  several.sources = 2;

  CHECK(one.target_of(5).text() == "tcp://127.0.0.1:7007");
  CHECK(settle(several, "churn", "tcp://10.0.0.1:7").size() == 1);
}

TEST_CASE("plan: a request is taken with its escapes") {
  CHECK(asking("GET /\\r\\n\\\\n\\x").send == "GET /\r\n\\n\\x");
  CHECK(asking("a\\0b").send == std::string("a\0b", 3));
}

TEST_CASE("plan: ask wants a request, one that can be read, and one end of the reply") {
  Plan no_end;
  no_end.send = std::string("x");
  Plan two_ends = no_end;
  two_ends.reply_line = true;
  two_ends.reply_http = true;
  Plan no_request;
  no_request.reply_line = true;
  Plan no_file;
  no_file.send = std::string("@/nowhere/at/all");
  no_file.reply_line = true;

  const Faults one_end{"ask needs one of --reply-bytes, --reply-line and --reply-http"};
  CHECK(settle(no_end, "ask") == one_end);
  CHECK(settle(two_ends, "ask") == one_end);
  CHECK(settle(no_request, "ask") == Faults{"ask needs something to --send"});
  CHECK(settle(no_file, "ask") == Faults{"send: cannot read \"/nowhere/at/all\""});
}

TEST_CASE("plan: handshakes are of TLS, full unless they are to be resumed, and then few at once") {
  Plan resumed;
  resumed.resumed = true;
  resumed.connections = 8;
  Plan many = resumed;
  many.connections = 9;
  const std::string url = "tls://127.0.0.1:7443?ca=/ca.pem";
  Plan full;

  CHECK(full.settle("handshake", url, {}).empty());
  CHECK(full.target.value("tickets") == "off");
  CHECK(full.target.value("ca") == "/ca.pem");
  CHECK(resumed.settle("handshake", url, {}).empty());
  CHECK_FALSE(resumed.target.value("tickets"));
  CHECK(many.settle("handshake", url, {}) ==
        Faults{"handshake --resumed takes at most 8 --connections"});
  CHECK(settle({}, "handshake") == Faults{"handshake needs a tls:// or tls+unix:// URL"});
}
