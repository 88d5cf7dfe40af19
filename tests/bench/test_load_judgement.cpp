// When figures are valid, thresholds, and the search for the most.
#include <catch2/catch.hpp>

#include <bench/load/find_max.hpp>

using namespace weir;
using namespace weir::load;

namespace {

std::unique_ptr<Outcome> outcome(double generator, double waited, std::optional<double> server) {
  auto made = std::make_unique<Outcome>();
  made->generator_cpu = generator;
  made->generator_waited = waited;
  if (server) {
    made->server.emplace();
    made->server->busiest_share = server;
  }
  return made;
}

std::string judged(std::unique_ptr<Outcome> made, Scenario scenario = Scenario::echo) {
  Plan plan;
  plan.scenario = scenario;
  judge(*made, plan);
  return made->reason;
}

// Holds up to so much of what is searched.
RunPlan server_of(double most, std::vector<std::int64_t>* asked = nullptr) {
  return [most, asked](const Plan& plan) {
    auto made = std::make_unique<Outcome>();
    const std::int64_t at = plan.scenario == Scenario::rate ? plan.rate : plan.connections;
    if (asked != nullptr) asked->push_back(at);
    made->latency.record(static_cast<double>(at) <= most ? 1'000'000 : 9'000'000);
    return made;
  };
}

Plan plan_for(Scenario scenario) {
  Plan plan;
  plan.scenario = scenario;
  return plan;
}

const Threshold kBelow5 = read_threshold("p99<5ms");

}  // namespace

TEST_CASE("validity: a busy generator is the limit unless a thread of the server is as busy") {
  CHECK(judged(outcome(0.97, 0, 0.95)).empty());
  CHECK(judged(outcome(0.80, 0, 0.50)).empty());
  CHECK_THAT(judged(outcome(0.97, 0, 0.50)),
             Catch::Contains("the generator was the limit") && Catch::Contains("only 50 %"));
  CHECK_THAT(judged(outcome(0.97, 0, {})), Catch::Contains("nothing is known of the server's"));
}

TEST_CASE("validity: a generator that waits for a CPU is starved") {
  CHECK_THAT(judged(outcome(0.5, 0.48, 0.5)),
             Catch::Contains("waited for a CPU during 48 % of the time"));
}

TEST_CASE("validity: what measures memory is not judged by the generator's CPU") {
  CHECK(judged(outcome(1, 0, 0.1), Scenario::idle).empty());
}

TEST_CASE("validity: an open loop that sends late is not valid, unless it hardly matters") {
  const auto late = [](std::uint64_t lag, std::uint64_t latency) {
    auto made = outcome(1, 0, {});
    made->lag.record(lag);
    made->latency.record(latency);
    return judged(std::move(made), Scenario::rate);
  };

  CHECK(late(500'000, 600'000).empty());
  CHECK(late(5'000'000, 100'000'000).empty());
  CHECK_THAT(late(5'000'000, 6'000'000), Catch::Contains("did not keep its schedule"));
}

TEST_CASE("validity: messages that were dropped are told before anything else") {
  auto made = outcome(0, 0, {});
  made->dropped = 7;

  CHECK_THAT(judged(std::move(made), Scenario::rate),
             Catch::Contains("7 messages could not be sent"));
}

TEST_CASE("threshold: figure, sign, bound and unit are read") {
  const Threshold time = read_threshold("p99.9 <= 1.5ms");
  CHECK(time.figure == Threshold::Figure::p999);
  CHECK(time.or_equal);
  CHECK(time.bound == 1.5e6);
  CHECK(read_threshold("rate>1000").below == false);
  CHECK(read_threshold("max<1s").bound == 1e9);
}

TEST_CASE("threshold: what is wrong is told with what was expected") {
  const auto text = GENERATE("p98<5ms", "p99", "p99=5ms", "<5ms", "");
  CHECK_THROWS_WITH(read_threshold(text), Catch::Contains("expected p50, p90"));
  CHECK_THROWS_WITH(read_threshold("p99<5"), Catch::Contains("expected a time in ns, us, ms or s"));
  CHECK_THROWS_WITH(read_threshold("p99<ms"), Catch::Contains("expected a time"));
  CHECK_THROWS_WITH(read_threshold("p99<-5ms"), Catch::Contains("expected a time"));
  CHECK_THROWS_WITH(read_threshold("rate>5ms"), Catch::Contains("expected a number"));
}

TEST_CASE("threshold: it holds below its bound, and not without a figure") {
  Outcome made;
  CHECK_FALSE(holds(kBelow5, made));
  made.latency.record(4'900'000);
  CHECK(holds(kBelow5, made));
  CHECK(figure_of(kBelow5, made).value_or(0) == Approx(4.9).epsilon(0.001));
  made.latency.record(5'100'000, 100);
  CHECK_FALSE(holds(kBelow5, made));
}

TEST_CASE("find max: ends within 5 % below the most, confirmed three times") {
  const double most = GENERATE(3.0, 950.0, 1'500.0, 77'777.0);

  const FoundMax found = find_max(plan_for(Scenario::rate), kBelow5, server_of(most), {});

  REQUIRE(found.best);
  CHECK(*found.best <= most);
  CHECK(*found.best * 1.06 + 1 >= most);
  CHECK(found.confirmed == 3);
  CHECK_THAT(found.limited_by, Catch::Contains("p99<5ms does not hold: it was 9"));
}

TEST_CASE("find max: of other scenarios the connections are looked for") {
  const FoundMax found = find_max(plan_for(Scenario::echo), kBelow5, server_of(600), {});

  CHECK_FALSE(found.of_rate);
  CHECK(found.best.value_or(0) >= 570);
  CHECK(found.best.value_or(0) <= 600);
}

TEST_CASE("find max: where nothing holds there is no best, and the reason is told") {
  const FoundMax found = find_max(plan_for(Scenario::rate), kBelow5, server_of(0), {});

  CHECK_FALSE(found.best);
  CHECK_THAT(found.limited_by, Catch::Contains("at 1 a second"));
}

TEST_CASE("find max: a run without figures ends the search at once") {
  std::vector<std::int64_t> asked;
  const RunPlan refused = [&asked](const Plan& plan) {
    asked.push_back(plan.rate);
    auto made = std::make_unique<Outcome>();
    made->failed = 69;
    made->reason = "cannot connect";
    return made;
  };

  const FoundMax found = find_max(plan_for(Scenario::rate), kBelow5, refused, {});

  CHECK(asked.size() == 1);
  CHECK(found.outcome->failed == 69);
}

TEST_CASE("find max: a generator that is the limit is named, not taken for the server's") {
  const RunPlan limited = [](const Plan& plan) {
    auto made = server_of(1e9)(plan);
    if (plan.rate > 10'000) {
      made->reason = "the generator did not keep its schedule";
      made->limit = Limit::schedule;
    }
    return made;
  };

  const FoundMax found = find_max(plan_for(Scenario::rate), kBelow5, limited, {});

  CHECK(found.best.value_or(0) <= 10'000);
  CHECK_THAT(found.limited_by, Catch::Contains("the generator did not keep its schedule"));
}
