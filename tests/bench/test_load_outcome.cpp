// What agents measured, put together, second by second, and said.
#include <catch2/catch.hpp>

#include <bench/load/timeline.hpp>
#include <bench/report/live.hpp>
#include <bench/report/result_json.hpp>
#include <bench/report/summary.hpp>
#include <bench/report/words.hpp>

using namespace weir;
using namespace weir::load;

namespace {

// Of an agent that counted `messages` of 1 ms each in a second.
void fill(Page& page, std::uint64_t messages) {
  page.meter.messages = messages;
  page.meter.bytes = messages * 64;
  page.meter.latency.record(1'000'000, messages);
  page.duration = kSecond;
  page.cpu = kSecond / 2;
  page.connections = 10;
  page.finished = true;
}

Plan plan_of(Scenario scenario) {
  Plan plan;
  plan.scenario = scenario;
  plan.target = Url::parse("tcp://127.0.0.1:7007");
  return plan;
}

std::unique_ptr<Outcome> merged(const Pages& pages, const Plan& plan) {
  auto outcome = std::make_unique<Outcome>();
  merge(*outcome, pages.all(), plan);
  return outcome;
}

}  // namespace

TEST_CASE("outcome: agents add up, and the busiest of them is told") {
  const Pages pages(2);
  fill(pages.all()[0], 100);
  fill(pages.all()[1], 300);
  pages.all()[1].cpu = kSecond * 9 / 10;

  const auto outcome = merged(pages, plan_of(Scenario::echo));

  CHECK(outcome->messages == 400);
  CHECK(outcome->rate == 400);
  CHECK(outcome->connections == 20);
  CHECK(outcome->latency.count() == 400);
  CHECK(outcome->generator_cpu == 0.9);
  CHECK(outcome->reason.empty());
}

TEST_CASE(
    "outcome: rates of agents whose windows differ are added, not averaged over the longest") {
  const Pages pages(2);
  fill(pages.all()[0], 100);
  fill(pages.all()[1], 100);
  pages.all()[1].duration = 2 * kSecond;

  CHECK(merged(pages, plan_of(Scenario::echo))->rate == 150);
}

TEST_CASE("outcome: of bulk a rate is of bytes, and messages are pieces") {
  const Pages pages(1);
  fill(pages.all()[0], 0);
  pages.all()[0].meter.bytes = 1 << 20;
  Plan plan = plan_of(Scenario::bulk);
  plan.size = 1 << 18;

  const auto outcome = merged(pages, plan);

  CHECK(outcome->rate == 1 << 20);
  CHECK(outcome->messages == 4);
}

TEST_CASE("outcome: a fault of one agent is a fault of all, and one without figures comes first") {
  const Pages pages(3);
  fill(pages.all()[0], 100);
  pages.all()[1].reason.set("an answer was wrong");
  pages.all()[2].reason.set("agent 3 died");
  pages.all()[2].failed = 71;

  const auto outcome = merged(pages, plan_of(Scenario::echo));

  CHECK(outcome->failed == 71);
  CHECK(outcome->reason == "agent 3 died");
}

TEST_CASE("outcome: who was told to stop is interrupted, and no error") {
  const Pages pages(1);
  fill(pages.all()[0], 1);
  pages.all()[0].stop = true;
  pages.all()[0].reason.set("it was interrupted");

  CHECK(merged(pages, plan_of(Scenario::echo))->limit == Limit::interrupted);
}

TEST_CASE("timeline: a second holds what was counted in it, by all agents") {
  const Pages pages(2);
  Page& one = pages.all()[0];
  std::uint64_t handed_on = 0;
  Timeline timeline(pages.all(), plan_of(Scenario::echo),
                    [&](const Second&, const Histogram& latency) { handed_on = latency.count(); });
  one.meter.messages = 7;
  one.meter.latency.record(9'000'000, 7);
  timeline.begin(kSecond, {});

  one.meter.messages += 50;
  one.meter.latency.record(1'000'000, 50);
  pages.all()[1].meter.messages += 50;
  pages.all()[1].meter.latency.record(2'000'000, 50);
  pages.all()[1].own_cpu = kSecond / 4;
  one.meter.open = 3;
  const Second second = timeline.cut(3 * kSecond, {});

  CHECK(second.at == 2);
  CHECK(second.rate == 50);
  CHECK(second.connections == 3);
  CHECK(handed_on == 100);
  CHECK(second.p99.value_or(0) == Approx(2'000).epsilon(0.001));
  CHECK(second.most.value_or(0) == Approx(2'000).epsilon(0.001));
  CHECK(second.generator_cpu.value_or(0) == 0.125);
}

TEST_CASE("timeline: nothing is lost between two seconds, and an empty one has no percentiles") {
  const Pages pages(1);
  Page& one = pages.all()[0];
  Timeline timeline(pages.all(), plan_of(Scenario::echo), {});
  timeline.begin(0, {});

  one.meter.messages = 10;
  one.meter.latency.record(1'000, 10);
  timeline.cut(kSecond, {});
  const Second second = timeline.cut(2 * kSecond, {});

  CHECK(second.rate == 0);
  CHECK_FALSE(second.p50);
  CHECK(timeline.take().size() == 2);
}

TEST_CASE("words: figures have three digits that count, and a unit") {
  CHECK(time_words(88'400) == "88.4 µs");
  CHECK(time_words(999) == "999 ns");
  CHECK(time_words(1'240'000) == "1.24 ms");
  CHECK(time_words(12.5e9) == "12.5 s");
  CHECK(count_words(0) == "0");
  CHECK(count_words(1'234'567) == "1,234,567");
  CHECK(rate_words(0.52) == "0.52");
  CHECK(rate_words(123'456.4) == "123,456");
  CHECK(bytes_words(512) == "512 B");
  CHECK(bytes_words(79'040'000) == "79.0 MB");
  CHECK(share_words(0.974) == "97 %");
  CHECK(span_words(10) == "10 s");
  CHECK(span_words(0.35) == "0.35 s");
}

TEST_CASE("summary: says what was measured, how it went, and that answers were compared") {
  const Pages pages(1);
  fill(pages.all()[0], 1'000);
  const Plan plan = plan_of(Scenario::echo);
  const auto outcome = merged(pages, plan);
  const std::string text =
      summary({.plan = plan,
               .outcome = *outcome,
               .thresholds = {read_threshold("p99<5ms"), read_threshold("rate>2000")}},
              {});

  CHECK_THAT(text, Catch::StartsWith("echo tcp://127.0.0.1:7007: 50 connections, 64 B\n\n"));
  CHECK_THAT(text, Catch::Contains("rate          1,000 /s   1,000 messages, 64.0 KB in 1 s\n"));
  CHECK_THAT(text, Catch::Contains("threshold     p99<5ms  holds: 1.00ms\n"));
  CHECK_THAT(text, Catch::Contains("threshold     rate>2000  is broken: 1000.00\n"));
  CHECK_THAT(text, Catch::EndsWith("valid         every answer was compared byte by byte\n"));
  CHECK(text.find('\x1b') == std::string::npos);
}

TEST_CASE("summary: what is not valid says why, in place of anything reassuring") {
  Outcome outcome;
  outcome.reason = "connection 3 was lost";
  const Plan plan = plan_of(Scenario::echo);

  const std::string text = summary({.plan = plan, .outcome = outcome}, {.on = true});

  CHECK_THAT(text, Catch::Contains("NOT VALID") && Catch::Contains("connection 3 was lost"));
  CHECK(text.find("byte by byte") == std::string::npos);
  CHECK(text.find('\x1b') != std::string::npos);
}

TEST_CASE("summary: says of a stream that nothing came back to be compared") {
  Outcome outcome;
  const Plan plan = plan_of(Scenario::bulk);

  CHECK_THAT(summary({.plan = plan, .outcome = outcome}, {}),
             Catch::Contains("nothing comes back of what was sent"));
}

TEST_CASE("live: the line has the last second's figures and the time that is left") {
  Second second;
  second.rate = 123'456;
  second.p50 = 88.4;
  second.p99 = 210;
  second.most = 1'240;
  Progress progress;
  progress.phase = Progress::Phase::measuring;
  progress.connections = 50;
  progress.errors = 2;
  progress.left = 7 * kSecond;
  progress.second = &second;

  CHECK(live_line(progress, {}) ==
        "123,456 /s  p50 88.4 µs  p99 210 µs  max 1.24 ms  50 connections  2 errors  7 s left");
  progress.phase = Progress::Phase::connecting;
  CHECK(live_line(progress, {}) == "connecting: 50 connections  2 errors");
}

TEST_CASE("result: the curve ends with the maximum, and what there is not is null") {
  const Pages pages(1);
  fill(pages.all()[0], 1'000);
  pages.all()[0].meter.latency.record(7'000'000);
  const Plan plan = plan_of(Scenario::echo);
  const auto outcome = merged(pages, plan);

  const auto json = result_json({.plan = plan, .outcome = *outcome});

  CHECK(json["percentiles"].back()["percentile"] == 100.0);
  CHECK(json["percentiles"].back()["us"] == 7'000.0);
  CHECK(json["percentiles"].front()["us"] == Approx(1'000).epsilon(0.001));
  CHECK(json["service_us"].is_null());
  CHECK(json["server"].is_null());
  CHECK(json["limited_by"].is_null());
  CHECK(json["valid"] == true);
}
