#include <catch2/catch.hpp>

#include "doctor_facts.hpp"

using namespace weir;
using namespace weir::load;
using Catch::Contains;
using made_up::facts;
using made_up::finding;
using made_up::intent;
using made_up::listener;

TEST_CASE("doctor: where the target is, is told with what it means") {
  Facts machine = facts();
  CHECK_THAT(finding("target", intent(), machine).text, Contains("on loopback"));

  machine.target.place = Place::here;
  CHECK_THAT(finding("target", intent(), machine).text, Contains("address of this machine"));
  machine.target.place = Place::elsewhere;
  CHECK(finding("target", intent(), machine).severity == Severity::remark);
  CHECK_THAT(finding("target", intent(), machine).text, Contains("network"));
}

TEST_CASE("doctor: a host without an address is a fault") {
  Facts machine = facts();
  machine.target = {};
  machine.target.unresolved = "Name or service not known";
  Intent load = intent();
  load.target = Url::parse("tcp://nowhere.invalid:7007");

  const Finding found = finding("target", load, machine);
  CHECK(found.severity == Severity::fault);
  CHECK_THAT(found.text, Contains("\"nowhere.invalid\" has no address: Name or service not known"));
}

TEST_CASE("doctor: who listens is named") {
  const Finding found = finding("listeners", intent(), facts());

  CHECK(found.severity == Severity::ok);
  CHECK(found.text == "pid 12 (weir serve echo) at 127.0.0.1:7007");
}

TEST_CASE("doctor: nobody listening on this machine is a fault") {
  Facts machine = facts();
  machine.target.listeners.clear();
  machine.target.unserved = {"127.0.0.1:7007"};
  machine.target.answers = false;

  const Finding found = finding("listeners", intent(), machine);
  CHECK(found.severity == Severity::fault);
  CHECK(found.text == "nobody listens at 127.0.0.1:7007");
  CHECK(found.fix == "weir serve echo 'tcp://127.0.0.1:7007'");
}

TEST_CASE("doctor: of several targets those without a listener are counted") {
  Facts machine = facts();
  machine.target.unserved = {"127.0.0.2:7007", "127.0.0.3:7007"};

  const Finding found = finding("listeners", intent(), machine);
  CHECK_THAT(found.text, Contains("127.0.0.2:7007 and 1 more of the targets"));
  CHECK(found.fix == "weir serve echo 'tcp://*:7007'");
}

TEST_CASE("doctor: who answers without being seen to listen is a remark") {
  Facts machine = facts();
  machine.target.listeners.clear();
  machine.target.unserved = {"127.0.0.1:7007"};
  machine.target.answers = true;

  CHECK(finding("listeners", intent(), machine).severity == Severity::remark);
}

TEST_CASE("doctor: two servers that share the port are named, and how to tell them apart") {
  Facts machine = facts();
  machine.target.listeners = {listener(12, 1, "weir serve echo"), listener(34, 1, "old serve")};

  const Finding found = finding("listeners", intent(), machine);
  CHECK(found.severity == Severity::remark);
  CHECK_THAT(found.text, Contains("pid 12 (weir serve echo)") && Contains("pid 34 (old serve)") &&
                             Contains("the load is divided among them"));
  CHECK(found.fix == "ps -o pid,ppid,lstart,args -p 12,34");
}

TEST_CASE("doctor: two that hold the same socket are told like two that share the port") {
  Facts machine = facts();
  machine.target.listeners[0].holders.push_back({34, 1, "another", 1'048'576});

  CHECK_THAT(finding("listeners", intent(), machine).text, Contains("divided among them"));
}

TEST_CASE("doctor: the one with the address itself has the load before one of every address") {
  Facts machine = facts();
  machine.target.listeners = {listener(12, 1, "weir serve echo"), listener(34, 1, "old serve")};
  machine.target.listeners[1].reached = false;

  CHECK_THAT(finding("listeners", intent(), machine).text, Contains("the load reaches 12 alone"));
}

TEST_CASE("doctor: a master and its workers are one server") {
  Facts machine = facts();
  machine.target.listeners = {listener(12, 1, "master"), listener(13, 12, "worker"),
                              listener(14, 12, "worker")};

  CHECK(finding("listeners", intent(), machine).severity == Severity::ok);
}

TEST_CASE("doctor: a listener of another user is not guessed at") {
  Facts machine = facts();
  machine.target.listeners[0].holders.clear();
  machine.target.listeners[0].uid = 107;

  const Finding found = finding("listeners", intent(), machine);
  CHECK(found.severity == Severity::unknown);
  CHECK_THAT(found.text, Contains("a process of user 107 at 127.0.0.1:7007"));
}

TEST_CASE("doctor: a command line from outside is escaped and cut") {
  Facts machine = facts();
  machine.target.listeners[0].holders[0].command = "\x1b[2J" + std::string(500, 'x');

  const std::string text = finding("listeners", intent(), machine).text;
  CHECK_THAT(text, Contains("(\\x1b[2Jxxx"));
  CHECK(text.size() < 120);
}

TEST_CASE("doctor: a storm is compared with the listener's backlog") {
  Facts machine = facts();
  machine.target.listeners[0].backlog = 1'000;
  CHECK(finding("backlog", intent(), machine).severity == Severity::ok);

  const Finding found = finding("backlog", intent(1'001), machine);
  CHECK(found.severity == Severity::remark);
  CHECK_THAT(found.text, Contains("is 1,000") && Contains("storm of 1,001"));
  CHECK_THAT(found.fix, Contains("?backlog=1001"));
  Intent calm = intent(1'001);
  calm.storms = false;
  CHECK(finding("backlog", calm, machine).name.empty());
}

TEST_CASE("doctor: a backlog that is as long as the system lets it is the system's to mend") {
  CHECK(finding("backlog", intent(5'000), facts()).fix == "sysctl -w net.core.somaxconn=5000");
}

TEST_CASE("doctor: a listener of unknown backlog is judged by the most there can be") {
  Facts machine = facts();
  machine.target.listeners[0].backlog = {};

  CHECK(finding("backlog", intent(4'096), machine).severity == Severity::ok);
  CHECK(finding("backlog", intent(4'097), machine).severity == Severity::remark);
}

TEST_CASE("doctor: what becomes of a backlog that overflows is remarked where it matters") {
  Facts machine = facts();
  CHECK(finding("overflow", intent(), machine).name.empty());
  CHECK(finding("syn-queue", intent(), machine).name.empty());

  machine.system.abort_on_overflow = 1;
  machine.system.syn_cookies = 0;
  CHECK(finding("overflow", intent(), machine).severity == Severity::remark);
  CHECK(finding("syn-queue", intent(2'048), machine).name.empty());
  CHECK(finding("syn-queue", intent(2'049), machine).fix ==
        "sysctl -w net.ipv4.tcp_max_syn_backlog=2049");
  machine.target.place = Place::elsewhere;
  CHECK(finding("overflow", intent(), machine).name.empty());
}
