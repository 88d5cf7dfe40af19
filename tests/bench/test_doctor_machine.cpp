#include <catch2/catch.hpp>

#include "doctor_facts.hpp"

using namespace weir;
using namespace weir::load;
using Catch::Contains;
using made_up::facts;
using made_up::finding;
using made_up::intent;

TEST_CASE("doctor: more agents than CPUs wait for one another") {
  Facts machine = facts();
  Intent load = intent();
  load.agents = 4;
  CHECK(finding("cpus", load, machine).severity == Severity::ok);

  load.agents = 5;
  CHECK(finding("cpus", load, machine).severity == Severity::remark);
  CHECK(finding("cpus", load, machine).fix == "--agents 4");
  load.agents = 4;
  machine.system.cpu_quota = 2.5;
  CHECK(finding("cpus", load, machine).fix == "--agents 2");
}

TEST_CASE("doctor: fewer agents than descriptors need are no fix") {
  Facts machine = facts();
  machine.system.cpus = 2;
  Intent load = intent(50'000);
  load.agents = 4;
  CHECK(finding("cpus", load, machine).fix == "--agents 3");

  load.agents = 3;
  CHECK(finding("cpus", load, machine).severity == Severity::remark);
  CHECK(finding("cpus", load, machine).fix.empty());
}

TEST_CASE("doctor: with fewer than two CPUs the figure is of generator and server") {
  Facts machine = facts();
  machine.system.cpu_quota = 1.5;
  const Finding found = finding("cpus", intent(), machine);
  CHECK(found.severity == Severity::remark);
  CHECK_THAT(found.text, Contains("1.50 of CPU time") && Contains("of both together"));

  machine.target.place = Place::elsewhere;
  CHECK(finding("cpus", intent(), machine).severity == Severity::ok);
}

TEST_CASE("doctor: a machine that is half busy is remarked") {
  Facts machine = facts();
  machine.system.load = 2.0;
  CHECK(finding("load", intent(), machine).severity == Severity::ok);

  machine.system.load = 2.01;
  CHECK(finding("load", intent(), machine).severity == Severity::remark);
}

TEST_CASE("doctor: a governor that saves power is remarked, and none is no matter") {
  Facts machine = facts();
  CHECK(finding("governor", intent(), machine).name.empty());

  machine.system.governor = "performance";
  CHECK(finding("governor", intent(), machine).severity == Severity::ok);
  machine.system.governor = "powersave";
  CHECK(finding("governor", intent(), machine).severity == Severity::remark);
}

TEST_CASE("doctor: a clock that is slow to read is remarked, with a fast one if there is any") {
  Facts machine = facts();
  machine.system.clock = "kvm-clock";
  CHECK(finding("clock", intent(), machine).severity == Severity::ok);

  machine.system.clock = "hpet";
  CHECK(finding("clock", intent(), machine).severity == Severity::remark);
  CHECK_THAT(finding("clock", intent(), machine).fix, Contains("echo tsc"));
  machine.system.clocks = "hpet acpi_pm";
  CHECK(finding("clock", intent(), machine).fix.empty());
}

TEST_CASE("doctor: a diagnosis ends with what can be held, or why not") {
  CHECK_THAT(
      text_of(judge(intent(), facts()), false),
      Catch::EndsWith("\nthis machine can hold 1,000 connections to tcp://127.0.0.1:7007\n"));
  CHECK_THAT(text_of(judge(intent(100'000), facts()), false),
             Catch::EndsWith("\ncannot: 100,000 connections to tcp://127.0.0.1:7007 are ruled out "
                             "by descriptors, ports\n"));
}

TEST_CASE("doctor: a fix stands below its finding, in the same column") {
  const std::string text = text_of(judge(intent(30'000), facts()), false);

  CHECK_THAT(text, Contains("\nFAULT    ports        28,232 local ports"));
  CHECK_THAT(text, Contains("\n                      fix: --sources 2\n"));
}

TEST_CASE("doctor: only what is wrong is a complaint") {
  Facts machine = facts();
  machine.system.load = 4.0;
  machine.system.clock.clear();

  CHECK_THAT(complaints(judge(intent(), machine), false),
             Catch::StartsWith("remark   load         4.00 threads") && !Contains("clock"));
}

TEST_CASE("doctor: colours are there when they are asked for") {
  CHECK(text_of(judge(intent(), facts()), false).find('\033') == std::string::npos);
  CHECK_THAT(text_of(judge(intent(), facts()), true),
             Catch::StartsWith("\033[32mok       \033[0m"));
}

TEST_CASE("doctor: JSON has the load, the verdict and every finding") {
  Intent load = intent(30'000);
  load.agents = 2;
  const std::string json = json_of(judge(load, facts()));

  CHECK_THAT(json, Contains("\"connections\": 30000,") && Contains("\"agents\": 2,") &&
                       Contains("\"target\": \"tcp://127.0.0.1:7007\",") &&
                       Contains("\"can\": false,"));
  CHECK_THAT(json, Contains("\"name\": \"ports\",\n      \"level\": \"fault\","));
  CHECK_THAT(json, Contains("\"fix\": \"--sources 2\"\n"));
  load.target.reset();
  CHECK_THAT(json_of(judge(load, facts())), Contains("\"target\": null,"));
}
