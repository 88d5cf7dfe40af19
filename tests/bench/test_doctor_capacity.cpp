#include <catch2/catch.hpp>

#include "doctor_facts.hpp"

using namespace weir;
using namespace weir::load;
using Catch::Contains;
using made_up::facts;
using made_up::finding;
using made_up::intent;

TEST_CASE("doctor: a machine that is made for the load has nothing wrong") {
  const Diagnosis diagnosis = judge(intent(), facts());

  CHECK(diagnosis.can());
  CHECK(complaints(diagnosis, false).empty());
  for (const Finding& each : diagnosis.findings) CHECK(each.fix.empty());
}

TEST_CASE("doctor: a system that tells nothing is unknown, and no fault") {
  Facts nothing;
  nothing.target.place = Place::loopback;
  const Diagnosis diagnosis = judge(intent(), nothing);

  CHECK(diagnosis.can());
  CHECK(complaints(diagnosis, false).empty());
  const auto name = GENERATE(as<std::string>(), "descriptors", "ports", "time-wait", "backlog",
                             "conntrack", "memory", "cpus", "load", "clock", "listeners");
  const Finding found = finding(name, intent(), nothing);
  CHECK(found.name == name);
  CHECK(found.severity == Severity::unknown);
}

TEST_CASE("doctor: descriptors are judged by the hard limit, and the soft one is told") {
  const Finding found = finding("descriptors", intent(), facts());

  CHECK(found.severity == Severity::ok);
  CHECK_THAT(found.text, Contains("needs 1,064") && Contains("may have 20,000") &&
                             Contains("soft limit of 1,024 is raised"));
}

TEST_CASE("doctor: the least number of agents that fits is the fix") {
  const Facts machine = facts();

  CHECK(finding("descriptors", intent(19'936), machine).severity == Severity::ok);
  CHECK(finding("descriptors", intent(19'937), machine).fix == "--agents 2");
  Intent many = intent(100'000);
  const Finding found = finding("descriptors", many, machine);
  CHECK(found.severity == Severity::fault);
  CHECK(found.fix == "--agents 6");
  CHECK_THAT(found.text, Contains("LimitNOFILE=100064") && Contains("* hard nofile 100064"));
  many.agents = 6;
  CHECK(finding("descriptors", many, machine).severity == Severity::ok);
  many.agents = 5;
  CHECK(finding("descriptors", many, machine).fix == "--agents 6");
}

TEST_CASE("doctor: a hard limit above the system's own counts as that") {
  Facts machine = facts();
  machine.system.descriptors_hard = UINT64_MAX;
  machine.system.descriptors_most = 10'064;

  CHECK(finding("descriptors", intent(10'000), machine).severity == Severity::ok);
  const Finding found = finding("descriptors", intent(10'001), machine);
  CHECK(found.fix == "--agents 2");
  CHECK_THAT(found.text, Contains("sysctl -w fs.nr_open=10065"));
}

TEST_CASE("doctor: a hard limit that fits no agent has to be raised") {
  Facts machine = facts();
  machine.system.descriptors_hard = 64;

  CHECK(finding("descriptors", intent(), machine).fix == "ulimit -Hn 4096");
}

TEST_CASE("doctor: open files of the system count for both ends on this machine") {
  Facts machine = facts();
  machine.system.files_most = 2'000 + 64 + 1'000;
  CHECK(finding("files", intent(), machine).severity == Severity::ok);

  machine.system.files_open = 1'001;
  const Finding found = finding("files", intent(), machine);
  CHECK(found.severity == Severity::fault);
  CHECK(found.fix == "sysctl -w fs.file-max=3065");
  machine.target.place = Place::elsewhere;
  CHECK(finding("files", intent(), machine).severity == Severity::ok);
}

TEST_CASE("doctor: a server with too few descriptors is a fault") {
  Facts machine = facts();
  machine.target.listeners[0].holders[0].descriptors = 1'016;
  CHECK(finding("server", intent(), machine).severity == Severity::ok);

  machine.target.listeners[0].holders[0].descriptors = 1'015;
  const Finding found = finding("server", intent(), machine);
  CHECK(found.severity == Severity::fault);
  CHECK_THAT(found.text, Contains("pid 12") && Contains("1,015 descriptors"));
  CHECK(found.fix == "ulimit -n 1064");
}

TEST_CASE("doctor: a server whose limit is not told is not judged") {
  Facts machine = facts();
  machine.target.listeners[0].holders[0].descriptors = {};

  CHECK(finding("server", intent(), machine).name.empty());
}

TEST_CASE("doctor: each source and each target gives all ports again") {
  const Facts machine = facts();
  Intent load = intent(28'232);
  CHECK(finding("ports", load, machine).severity == Severity::ok);

  load.connections = 28'233;
  CHECK(finding("ports", load, machine).severity == Severity::fault);
  CHECK(finding("ports", load, machine).fix == "--sources 2");
  load.targets = {"127.0.0.2", "127.0.0.3"};
  CHECK(finding("ports", load, machine).severity == Severity::ok);
  load.sources = {"127.0.0.2", "127.0.0.3"};
  load.connections = 112'928;
  CHECK(finding("ports", load, machine).severity == Severity::ok);
  load.connections += 1;
  CHECK(finding("ports", load, machine).fix == "--sources 3");
}

TEST_CASE("doctor: the fix for ports is one with which they suffice") {
  const Facts machine = facts();
  Intent load = intent(GENERATE(30'000u, 56'464u, 56'465u, 100'000u, 1'000'000u));

  const std::string fix = finding("ports", load, machine).fix;
  REQUIRE_THAT(fix, Catch::StartsWith("--sources "));
  load.sources.resize(std::stoul(fix.substr(10)), "127.0.0.2");
  CHECK(finding("ports", load, machine).severity == Severity::ok);
  load.sources.pop_back();
  CHECK(finding("ports", load, machine).severity == Severity::fault);
}

TEST_CASE("doctor: ports that are reserved, listened at or in use are none to be had") {
  Facts machine = facts();
  machine.system.ports_reserved = {{32'000, 32'769}, {40'000, 40'000}, {61'000, 62'000}};  // 3
  machine.target.ports_listening = 2;
  machine.target.ports_connected = 7;

  CHECK(finding("ports", intent(28'220), machine).severity == Severity::ok);
  const Finding found = finding("ports", intent(28'221), machine);
  CHECK(found.severity == Severity::fault);
  CHECK_THAT(found.text, Contains("28,220 local ports") && Contains("less 7 in use"));
}

TEST_CASE("doctor: ports in TIME_WAIT are none to be had unless they are used again") {
  Facts machine = facts();
  machine.target.ports_waiting = 1;
  CHECK(finding("ports", intent(28'232), machine).severity == Severity::ok);

  machine.system.port_reuse = 0;
  CHECK(finding("ports", intent(28'232), machine).severity == Severity::fault);
  machine.system.port_reuse = 1;
  machine.target.place = Place::elsewhere;
  CHECK(finding("ports", intent(28'232), machine).severity == Severity::ok);
  machine.system.port_reuse = 2;
  CHECK(finding("ports", intent(28'232), machine).severity == Severity::fault);
}

TEST_CASE("doctor: towards elsewhere a wider range comes first, then addresses") {
  Facts machine = facts();
  machine.target.place = Place::elsewhere;

  CHECK(finding("ports", intent(60'000), machine).fix ==
        "sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"");
  CHECK_THAT(finding("ports", intent(100'000), machine).fix, Contains("4 addresses"));
}

TEST_CASE("doctor: a Unix socket needs no ports, and its ends are told as they are") {
  Facts machine = facts();
  machine.target.place = Place::unix_socket;
  Intent load = intent(1'000'000);
  load.target = Url::parse("unix:///run/x.sock");

  CHECK(finding("ports", load, machine).name.empty());
  CHECK(finding("time-wait", load, machine).name.empty());
  CHECK(finding("conntrack", load, machine).name.empty());
}

TEST_CASE("doctor: churn lasts at the ports that there are in a minute") {
  Facts machine = facts();
  CHECK(finding("time-wait", intent(), machine).severity == Severity::ok);

  machine.target.place = Place::elsewhere;
  const Finding found = finding("time-wait", intent(), machine);
  CHECK(found.severity == Severity::remark);
  CHECK_THAT(found.text, Contains("at 470 connections a second"));
  CHECK(found.fix == "sysctl -w net.ipv4.tcp_tw_reuse=1");
  Intent steady = intent();
  steady.churns = false;
  CHECK(finding("time-wait", steady, machine).name.empty());
}

TEST_CASE("doctor: a source has to be of this machine and have a way to the target") {
  Facts machine = facts();
  Intent load = intent();
  load.sources = {"127.0.0.2", "10.9.9.9"};
  CHECK(finding("sources", load, machine).severity == Severity::ok);

  machine.target.not_sources = {"10.9.9.9"};
  CHECK(finding("sources", load, machine).severity == Severity::fault);
  CHECK(finding("sources", load, machine).fix == "ip address add 10.9.9.9/32 dev lo");
  machine.target.not_sources.clear();
  machine.target.place = Place::elsewhere;
  CHECK_THAT(finding("sources", load, machine).text, Contains("127.0.0.2 has no way"));
  load.sources = {"::1"};
  machine.target.place = Place::loopback;
  CHECK_THAT(finding("sources", load, machine).text, Contains("::1 has no way"));
}

TEST_CASE("doctor: the table of tracked connections has to hold one for each") {
  Facts machine = facts();
  machine.system.tracking = true;
  machine.system.tracked_most = 1'500;
  machine.system.tracked = 500;
  CHECK(finding("conntrack", intent(), machine).severity == Severity::ok);

  machine.system.tracked = 501;
  const Finding found = finding("conntrack", intent(), machine);
  CHECK(found.severity == Severity::fault);
  CHECK(found.fix == "sysctl -w net.netfilter.nf_conntrack_max=2525");
}

TEST_CASE("doctor: an empty table of tracked connections may be one that nothing fills") {
  Facts machine = facts();
  machine.system.tracking = true;
  machine.system.tracked_most = 999;
  machine.system.tracked = 0;

  CHECK(finding("conntrack", intent(), machine).severity == Severity::remark);
}

TEST_CASE("doctor: memory is told in its parts, and the most that fits is the fix") {
  Facts machine = facts();
  machine.system.memory_available = 11'324'000;
  CHECK(finding("memory", intent(800), machine).severity == Severity::ok);
  CHECK(finding("memory", intent(1'000), machine).severity == Severity::remark);

  const Finding found = finding("memory", intent(1'001), machine);
  CHECK(found.severity == Severity::fault);
  CHECK(found.fix == "--connections 1000");
  CHECK_THAT(found.text, Contains("of the kernel for both ends") && Contains("of the generator"));
  machine.target.place = Place::elsewhere;
  CHECK(finding("memory", intent(1'001), machine).severity == Severity::ok);
}

TEST_CASE("doctor: the control group's memory counts where it is less") {
  Facts machine = facts();
  machine.system.memory_group_most = 11'324'000 + 5'000;
  machine.system.memory_group = 5'001;

  CHECK(finding("memory", intent(1'000), machine).severity == Severity::fault);
}

TEST_CASE("doctor: TLS takes memory of the generator's own") {
  Facts machine = facts();
  machine.system.memory_available = 20'000'000;
  Intent load = intent();
  CHECK(finding("memory", load, machine).severity == Severity::ok);

  load.target = Url::parse("tls://127.0.0.1:7443");
  CHECK(finding("memory", load, machine).severity == Severity::fault);
}

TEST_CASE("doctor: TCP's own limit is remarked when a page at each socket exceeds it") {
  Facts machine = facts();
  machine.system.tcp_pages_pressure = 2'100;
  CHECK(finding("tcp-memory", intent(), machine).severity == Severity::ok);

  machine.system.tcp_pages_pressure = 2'099;
  const Finding found = finding("tcp-memory", intent(), machine);
  CHECK(found.severity == Severity::remark);
  CHECK(found.fix == "sysctl -w net.ipv4.tcp_mem=\"2100 2625 600000\"");
}

TEST_CASE("doctor: more silent connections than loopback takes probes of at once are remarked") {
  CHECK(finding("keepalive", intent(1'000), facts()).name.empty());
  const Finding found = finding("keepalive", intent(10'000), facts());
  CHECK(found.severity == Severity::remark);
  CHECK(found.fix == "sysctl -w net.core.netdev_max_backlog=20000");

  Facts elsewhere = facts();
  elsewhere.target.place = Place::elsewhere;
  CHECK(finding("keepalive", intent(10'000), elsewhere).name.empty());
}
