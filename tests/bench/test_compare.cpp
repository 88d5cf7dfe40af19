#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include <bench/compare/result_file.hpp>
#include <bench/compare/show.hpp>

using namespace weir::load;
using Json = nlohmann::ordered_json;

namespace {

// A run of echo: so many seconds of a rate and a p99 that are noisy by 4 %.
Json run_of(double rate, double p99, int seconds, std::uint64_t seed = 1) {
  std::mt19937_64 random(seed);
  std::normal_distribution<> noise(1, 0.04);
  Json timeline = Json::array();
  double sum = 0;
  for (int second = 1; second <= seconds; ++second) {
    const double now = rate * noise(random);
    sum += now;
    timeline.push_back({{"at_s", second},
                        {"span_s", 1},
                        {"rate", now},
                        {"p50_us", p99 / 3},
                        {"p99_us", p99 * noise(random)},
                        {"max_us", p99 * 9},
                        {"connections", 50},
                        {"errors", 0}});
  }
  return {{"format", 1},
          {"weir", "0.1.0"},
          {"started", "2026-11-28T10:00:00Z"},
          {"command", {"weir", "bench", "echo"}},
          {"scenario", "echo"},
          {"target", "tcp://127.0.0.1:7007"},
          {"options", {{"connections", 50}, {"size", 64}, {"depth", 1}, {"duration", seconds}}},
          {"connections", 50},
          {"duration_s", seconds},
          {"messages", 1'000'000},
          {"bytes", 64'000'000},
          {"rate", seconds > 0 ? sum / seconds : rate},
          {"errors", 0},
          {"dropped", 0},
          {"unanswered", 0},
          {"latency_us",
           {{"p50", p99 / 3}, {"p90", p99 / 2}, {"p99", p99}, {"p999", p99 * 2}, {"max", p99 * 9}}},
          {"service_us", nullptr},
          {"lag_us", nullptr},
          {"valid", true},
          {"reason", ""},
          {"limited_by", nullptr},
          {"thresholds", Json::array()},
          {"find_max", nullptr},
          {"generator", {{"agents", 1}, {"cpu_share", 0.4}}},
          {"server", {{"cpu_us_per_message", 9.5}, {"bytes_per_connection", 400}}},
          {"timeline", timeline},
          {"percentiles", Json::array()},
          {"environment", {{"kernel", "6.1"}, {"cpus", 2}, {"load_average", 0.5}}}};
}

Comparison compared(const Json& a, const Json& b) { return compare(a, "a.json", b, "b.json"); }

const Figure& figure(const Comparison& comparison, const std::string& name) {
  for (const Figure& each : comparison.figures) {
    if (each.name == name) return each;
  }
  throw std::out_of_range(name);
}

// An empty one where there is none, which no check takes for right.
Interval interval_of(const Figure& figure) { return figure.interval.value_or(Interval{}); }

Interval interval_of(std::span<const Sample> a, std::span<const Sample> b) {
  return bootstrap_ratio(a, b).value_or(Interval{});
}

std::vector<std::string> names_worse(const Comparison& comparison, double share) {
  std::vector<std::string> names;
  for (const Figure& each : worse_by(comparison, share)) names.push_back(each.name);
  return names;
}

std::string refusal(const std::string& text) {
  try {
    parse_result(text, "x.json");
  } catch (const ResultFileError& wrong) {
    CHECK(wrong.kind() == ResultFileError::Kind::malformed);
    return wrong.what();
  }
  return "";
}

}  // namespace

TEST_CASE("bootstrap: of runs that are alike, few seconds mislead as seldom as 95 % say") {
  const int seconds = GENERATE(5, 10, 40);
  int holds = 0;
  for (std::uint64_t run = 0; run < 200; ++run) {
    std::mt19937_64 random(run);
    std::normal_distribution<> value(100, 8);
    std::vector<Sample> a;
    std::vector<Sample> b;
    for (int i = 0; i < seconds; ++i) {
      a.push_back({value(random), 1});
      b.push_back({value(random) * 1.2, 1});
    }
    const Interval known = interval_of(a, b);
    if (known.low <= 1.2 && 1.2 <= known.high) ++holds;
  }

  CHECK(holds >= 184);  // 92 %: 95 % less two standard deviations of so many runs.
  CHECK(holds < 200);
}

TEST_CASE("bootstrap: the same seconds always give the same interval") {
  const std::vector<Sample> a{{1, 1}, {2, 1}, {3, 1}, {4, 1}, {5, 1}};
  const std::vector<Sample> b{{2, 1}, {2, 1}, {3, 1}, {4, 1}, {7, 1}};

  const Interval once = interval_of(a, b);
  const Interval again = interval_of(a, b);

  CHECK(once.low == again.low);
  CHECK(once.high == again.high);
  CHECK(once.low < 18.0 / 15);
  CHECK(once.high > 18.0 / 15);
}

TEST_CASE("bootstrap: a short last second counts for as little as it is long") {
  std::vector<Sample> a(6, {100, 1});
  std::vector<Sample> b(6, {100, 1});
  b.push_back({1'000'000, 1e-9});

  CHECK(interval_of(a, b).high == Approx(1).margin(0.001));
}

TEST_CASE("bootstrap: four seconds, or none with anything in it, give no interval") {
  const std::vector<Sample> four(4, {100, 1});
  const std::vector<Sample> five(5, {100, 1});
  const std::vector<Sample> idle(5, {0, 1});

  CHECK_FALSE(bootstrap_ratio(four, five));
  CHECK_FALSE(bootstrap_ratio(five, four));
  CHECK_FALSE(bootstrap_ratio(idle, five));
  CHECK_FALSE(bootstrap_ratio(five, idle));
}

TEST_CASE("compare: a faster run is better where the seconds show it") {
  const Comparison found = compared(run_of(100'000, 500, 10), run_of(120'000, 400, 10, 2));

  CHECK(figure(found, "rate").verdict == Verdict::better);
  CHECK(figure(found, "rate").ratio.value_or(0) == Approx(1.2).margin(0.05));
  CHECK(figure(found, "p99").verdict == Verdict::better);
  CHECK(worse_by(found, 0.1).empty());
}

TEST_CASE("compare: runs that are alike show no difference") {
  const Comparison found = compared(run_of(100'000, 500, 20), run_of(100'000, 500, 20, 2));

  CHECK(figure(found, "rate").verdict == Verdict::no_difference);
  CHECK(figure(found, "p99").verdict == Verdict::no_difference);
}

TEST_CASE("compare: a change of less than 3 % is none, however well it is known") {
  const Comparison found = compared(run_of(100'000, 500, 1'000), run_of(102'000, 500, 1'000, 2));

  CHECK(interval_of(figure(found, "rate")).low > 1);
  CHECK(figure(found, "rate").verdict == Verdict::no_difference);
}

TEST_CASE("compare: without five seconds on both sides there is no interval") {
  const Comparison found = compared(run_of(100'000, 500, 10), run_of(50'000, 500, 4));

  CHECK_FALSE(figure(found, "rate").interval);
  CHECK(figure(found, "rate").verdict == Verdict::no_interval);
}

TEST_CASE("compare: B is worse when the nearer end of its interval is beyond the limit") {
  const Comparison found = compared(run_of(100'000, 500, 20), run_of(85'000, 580, 20, 2));

  CHECK(names_worse(found, 0.10) == std::vector<std::string>{"rate", "p99"});
  CHECK(names_worse(found, 0.145).empty());  // The figures are beyond it, or may be.
}

TEST_CASE("compare: where there is no interval the figure decides whether B is worse") {
  Json b = run_of(100'000, 500, 0);
  b["server"]["cpu_us_per_message"] = 10.6;
  const Comparison found = compared(run_of(100'000, 500, 0), b);

  CHECK(names_worse(found, 0.10) == std::vector<std::string>{"server_cpu_per_message"});
  CHECK(names_worse(found, 0.12).empty());
}

TEST_CASE("compare: the median, the maximum, memory and errors do not make B worse") {
  Json b = run_of(100'000, 500, 0);
  b["latency_us"]["p50"] = 9'000;
  b["latency_us"]["max"] = 90'000;
  b["server"]["bytes_per_connection"] = 9'000;
  b["errors"] = 77;

  CHECK(worse_by(compared(run_of(100'000, 500, 0), b), 0.1).empty());
}

TEST_CASE("compare: figures that could not be taken have no ratio") {
  Json b = run_of(100'000, 500, 10);
  b["server"] = nullptr;
  b["rate"] = nullptr;
  b["latency_us"]["p99"] = nullptr;
  const Comparison found = compared(run_of(100'000, 500, 10), b);

  for (const char* name : {"rate", "p99", "server_cpu_per_message", "bytes_per_connection"}) {
    CHECK_FALSE(figure(found, name).ratio);
    CHECK(figure(found, name).verdict == Verdict::no_interval);
  }
  CHECK(worse_by(found, 0).empty());
}

TEST_CASE("compare: of bytes the server's CPU is told for a GiB") {
  Json a = run_of(1e9, 500, 0);
  a["scenario"] = "send";
  a["server"] = {{"cpu_s_per_gib", 0.5}};

  const Comparison found = compared(a, a);

  CHECK(figure(found, "rate").unit == "bytes/s");
  CHECK(figure(found, "server_cpu_per_gib").ratio.value_or(0) == 1);
}

TEST_CASE("compare: another scenario or other work is not the same measurement") {
  const Json a = run_of(100'000, 500, 0);
  Json b = a;
  SECTION("the scenario") { b["scenario"] = "ask"; }
  SECTION("an option") { b["options"]["depth"] = 16; }
  SECTION("an option that only one has") { b["options"]["rate"] = 16; }
  SECTION("the manner of the target") { b["target"] = "tls://127.0.0.1:7007"; }

  const Comparison found = compared(a, b);

  CHECK_FALSE(found.is_same_measurement());
  REQUIRE(found.differences.size() == 1);
  CHECK(table(found).find("NOT THE SAME MEASUREMENT") != std::string::npos);
}

TEST_CASE(
    "compare: another place, time, version or machine is told, and still the same measurement") {
  const Json a = run_of(100'000, 500, 0);
  Json b = a;
  std::string what;
  SECTION("the place") {
    b["target"] = "tcp://127.0.0.1:8008";
    what = "target";
  }
  SECTION("how long") {
    b["options"]["duration"] = 60;
    what = "--duration";
  }
  SECTION("the version") {
    b["weir"] = "0.2.0";
    what = "weir";
  }
  SECTION("the machine") {
    b["environment"]["cpus"] = 8;
    what = "environment: cpus";
  }

  const Comparison found = compared(a, b);

  CHECK(found.is_same_measurement());
  REQUIRE(found.differences.size() == 1);
  CHECK(found.differences[0].what == what);
}

TEST_CASE("compare: what changes by itself is no difference") {
  const Json a = run_of(100'000, 500, 0);
  Json b = a;
  b["environment"]["load_average"] = 3;
  b["started"] = "2026-11-29T10:00:00Z";
  b["connections"] = 49;  // Those that were made; the option says how many there were to be.
  b["options"]["json"] = true;

  CHECK(compared(a, b).differences.empty());
}

TEST_CASE("compare: a run that is not valid is named with its reason") {
  Json b = run_of(100'000, 500, 0);
  b["valid"] = false;
  b["reason"] = "the generator was the limit";
  const Comparison found = compared(run_of(100'000, 500, 0), b);

  CHECK_FALSE(found.is_valid());
  CHECK(found.a.not_valid.empty());
  CHECK(found.b.not_valid == "the generator was the limit");
  CHECK(table(found).find("NOT VALID: the generator was the limit") != std::string::npos);
}

TEST_CASE("compare: the table has a row for each figure, its columns in line") {
  Json a = run_of(123'456, 500, 0);
  Json b = run_of(61'728, 1'000.4, 0);
  b["errors"] = 3;

  CHECK(table(compared(a, b)) ==
        "A  a.json: weir 0.1.0, 2026-11-28T10:00:00Z, echo tcp://127.0.0.1:7007\n"
        "B  b.json: weir 0.1.0, 2026-11-28T10:00:00Z, echo tcp://127.0.0.1:7007\n"
        "\n"
        "                                    A       B  B/A    verdict\n"
        "rate, messages/s              123,456  61,728  0.500  no interval\n"
        "p50, us                         166.7   333.5  2.001  no interval\n"
        "p90, us                           250   500.2  2.001  no interval\n"
        "p99, us                           500   1,000  2.001  no interval\n"
        "p99.9, us                       1,000   2,001  2.001  no interval\n"
        "max, us                         4,500   9,004  2.001  no interval\n"
        "server CPU per message, us        9.5     9.5  1.000  no interval\n"
        "memory per connection, bytes      400     400  1.000  no interval\n"
        "errors                              0       3  -      no interval\n");
}

TEST_CASE("compare: what came from outside cannot write to the terminal") {
  Json b = run_of(100'000, 500, 0);
  b["target"] = "tcp://\x1b[2J";
  b["options"]["\x1b[31m"] = "\n";
  b["environment"]["kernel"] = std::string(500, '\x07');

  const std::string text = table(compared(run_of(100'000, 500, 0), b));

  CHECK(text.find_first_of("\x1b\x07") == std::string::npos);
  CHECK(text.find("\\x07") != std::string::npos);
}

TEST_CASE("compare: as JSON it says the same") {
  Json b = run_of(70'000, 500, 10, 2);
  b["options"]["size"] = 128;

  const Json found = to_json(compared(run_of(100'000, 500, 10), b), 0.1);

  CHECK(found["same_measurement"] == false);
  CHECK(found["differences"][0]["what"] == "--size");
  CHECK(found["figures"][0]["name"] == "rate");
  CHECK(found["figures"][0]["verdict"] == "worse");
  CHECK(found["figures"][0]["interval"][1] < 0.8);
  CHECK(found["figures"][1]["interval"].is_null());
  CHECK(found["worse"] == Json{"rate"});
}

TEST_CASE("result file: a result is read as it was written") {
  const Json result = run_of(100'000, 500, 10);

  CHECK(parse_result(result.dump(), "x.json") == result);
}

TEST_CASE("result file: what is not JSON is refused with its place") {
  CHECK(refusal("") == "\"x.json\" is empty");
  CHECK(refusal("{\n  \"format\": one}") == "\"x.json\" is not JSON from line 2, column 13 on");
  CHECK_THAT(refusal("{\"format\": 1"), Catch::StartsWith("\"x.json\" is not JSON"));
  CHECK_THAT(refusal("{\"format\": 1e999}"), Catch::Contains("too large"));
}

TEST_CASE("result file: every cut of a result is refused") {
  const std::string text = run_of(100'000, 500, 1).dump();

  for (std::size_t size = 0; size < text.size(); ++size)
    REQUIRE(!refusal(text.substr(0, size)).empty());
}

TEST_CASE("result file: JSON that is no result is refused, and what it lacks is said") {
  CHECK(refusal("[]") == "\"x.json\" is no result of weir bench: it does not say \"format\": 1");
  CHECK(refusal("{\"format\": 2}") == "\"x.json\" is of format 2, and this weir reads format 1");
  CHECK(refusal("{\"format\": 1}") ==
        "\"x.json\" is no result of weir bench: its \"weir\" is missing");
}

TEST_CASE("result file: each field has to be there and of its type") {
  const Json right = run_of(100'000, 500, 1);
  for (const auto& [key, value] : right.items()) {
    Json lacking = right;
    lacking.erase(key);
    Json wrong = right;
    wrong[key] = value.is_array() ? Json("text") : Json::array();
    INFO(key);
    CHECK(refusal(lacking.dump()).find(key) != std::string::npos);
    CHECK_FALSE(refusal(wrong.dump()).empty());
  }
}

TEST_CASE("result file: fields within are looked at too, and named by their way") {
  Json wrong = run_of(100'000, 500, 2);
  SECTION("a second") {
    wrong["timeline"][1]["rate"] = "fast";
    CHECK(
        refusal(wrong.dump()) ==
        "\"x.json\" is no result of weir bench: its \"timeline[1].rate\" is a text, and should be "
        "a number");
  }
  SECTION("a second that is none") {
    wrong["timeline"][1] = 7;
    CHECK_THAT(refusal(wrong.dump()), Catch::Contains("\"timeline[1]\" should be an object"));
  }
  SECTION("a percentile") {
    wrong["latency_us"].erase("p99");
    CHECK_THAT(refusal(wrong.dump()), Catch::Contains("\"latency_us.p99\" is missing"));
  }
  SECTION("the server") {
    wrong["server"]["cpu_us_per_message"] = true;
    CHECK_THAT(refusal(wrong.dump()), Catch::Contains("is a flag, and should be a number or null"));
  }
}

TEST_CASE("result file: a file that is not there cannot be read") {
  try {
    read_result("/nowhere/a.json");
    FAIL("it was read");
  } catch (const ResultFileError& wrong) {
    CHECK(wrong.kind() == ResultFileError::Kind::unreadable);
    CHECK(std::string(wrong.what()) ==
          "cannot read \"/nowhere/a.json\": No such file or directory");
  }
  CHECK_THROWS_WITH(read_result("/"), "cannot read \"/\": Is a directory");
}
