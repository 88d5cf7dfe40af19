#include <catch2/catch.hpp>

#include <weir/options.hpp>
#include <weir/service_type.hpp>

#include "../../core/src/option_readers.hpp"
#include "../../core/src/units.hpp"

using namespace std::chrono_literals;
using weir::Millis;
using weir::OptionValues;

namespace {

struct Options {
  std::size_t line_max = 64 << 10;
  std::int64_t level = -3;
  Millis timeout = 30s;
  std::string greeting = "hello";
  bool loud = false;
  std::string overflow = "skip";
  std::vector<weir::Url> to;

  void read(weir::OptionReader& in) {
    in.size("line-max", line_max, 1, 1 << 20, "longest line");
    in.number("level", level, -10, 10, "how far");
    in.duration("timeout", timeout, 0s, 1h, "how long");
    in.text("greeting", greeting, "what is said first");
    in.flag("loud", loud, "in capitals");
    in.choice("overflow", overflow, {"skip", "close"}, "what happens then");
    in.urls("to", to, "where to");
  }
};

class Silent final : public weir::Service {
 public:
  std::unique_ptr<weir::Handler> accept(weir::Connection&) override { return nullptr; }
};

// Remembers what it was made with.
class Recorder final : public weir::Protocol {
 public:
  using Options = ::Options;
  explicit Recorder(Options options) : options_(std::move(options)) {}
  std::unique_ptr<weir::Service> open(weir::Loop&) override { return std::make_unique<Silent>(); }
  const Options& options() const { return options_; }

 private:
  Options options_;
};

struct Plain final : weir::Handler {};

constexpr weir::ServiceType kRecorder = weir::protocol_type<Recorder>("recorder", "Records.");
constexpr weir::ServiceType kPlain = weir::handler_type<Plain>("plain", "Takes no options.");

Options applied(const OptionValues& values) {
  const auto protocol = weir::make_protocol(kRecorder, values);
  return dynamic_cast<const Recorder&>(*protocol).options();
}

}  // namespace

TEST_CASE("options: a description holds what was declared, as a user would write it") {
  const auto infos = weir::describe_options(kRecorder);

  REQUIRE(infos.size() == 7);
  const auto row = [&](std::size_t i) {
    return infos[i].name + '|' + infos[i].kind + '|' + infos[i].default_value + '|' +
           infos[i].range + '|' + infos[i].help;
  };
  CHECK(row(0) == "line-max|size|64KiB|1 to 1048576 bytes|longest line");
  CHECK(row(1) == "level|number|-3|-10 to 10|how far");
  CHECK(row(2) == "timeout|duration|30s|off, or at most 1h|how long");
  CHECK(row(3) == "greeting|text|hello||what is said first");
  CHECK(row(4) == "loud|flag|off|on, off|in capitals");
  CHECK(row(5) == "overflow|choice|skip|skip, close|what happens then");
  CHECK(row(6) == "to|urls|||where to");
  CHECK(weir::describe_options(kPlain).empty());
}

TEST_CASE("options: what is not given keeps its default") {
  const Options options = applied({});

  CHECK(options.line_max == 65'536);
  CHECK(options.timeout == 30s);
  CHECK(options.greeting == "hello");
}

TEST_CASE("options: what is given is set, in every kind") {
  const Options options = applied({{"line-max", {"2KiB"}},
                                   {"level", {"-10"}},
                                   {"timeout", {"250ms"}},
                                   {"greeting", {""}},
                                   {"loud", {"on"}},
                                   {"overflow", {"close"}},
                                   {"to", {"localhost:1", "unix:///x"}}});

  CHECK(options.line_max == 2048);
  CHECK(options.level == -10);
  CHECK(options.timeout == 250ms);
  CHECK(options.greeting.empty());
  CHECK(options.loud);
  CHECK(options.overflow == "close");
  REQUIRE(options.to.size() == 2);
  CHECK(options.to[1].path() == "/x");
}

TEST_CASE("options: a flag without a value is on") { CHECK(applied({{"loud", {}}}).loud); }

TEST_CASE("options: each wrong value is a sentence that says what was expected") {
  struct Row {
    const char* name;
    const char* value;
    const char* fault;
  };
  const Row row = GENERATE(
      Row{"line-max", "0", "is \"0\", expected 1 to 1048576 bytes"},
      Row{"line-max", "2MiB", "is \"2MiB\", expected 1 to 1048576 bytes"},
      Row{"line-max", "99999999999999999999GiB", "expected 1 to 1048576 bytes"},
      Row{"line-max", "much", "expected bytes such as 4096, 64KiB or 1MB"},
      Row{"line-max", "", "expected bytes such as"}, Row{"line-max", "-1", "expected bytes such"},
      Row{"level", "11", "expected -10 to 10"}, Row{"level", "1.5", "expected -10 to 10"},
      Row{"level", "-99999999999999999999", "expected -10 to 10"},
      Row{"timeout", "2h", "expected off, or at most 1h"},
      Row{"timeout", "1 s", "expected a duration such as 250ms, 30s, 5m or 1h"},
      Row{"timeout", "99999999999999999999h", "expected off, or at most 1h"},
      Row{"loud", "perhaps", "expected on or off"},
      Row{"overflow", "skpi", "expected one of skip, close; did you mean \"skip\"?"},
      Row{"overflow", "explode", "expected one of skip, close"},
      Row{"to", "tpc://x:1", "option \"to\": URL \"tpc://x:1\" has an unknown scheme"});

  const auto faults = weir::check_options(kRecorder, {{row.name, {row.value}}});

  REQUIRE(faults.size() == 1);
  CHECK(faults[0].name == row.name);
  CHECK_THAT(faults[0].sentence, Catch::StartsWith("recorder: option \"") &&
                                     Catch::Contains(row.name) && Catch::Contains(row.fault));
}

TEST_CASE("options: an unknown option is answered with the nearest or with all there are") {
  CHECK(weir::check_options(kRecorder, {{"line_mxa", {"1"}}}).at(0).sentence ==
        "recorder: there is no option \"line_mxa\", did you mean \"line-max\"?");
  CHECK_THAT(weir::check_options(kRecorder, {{"zzz", {"1"}}}).at(0).sentence,
             Catch::EndsWith("one of line-max, level, timeout, greeting, loud, overflow, to"));
  CHECK(weir::check_options(kPlain, {{"x", {"1"}}}).at(0).sentence ==
        "plain: there is no option \"x\", this protocol takes none");
}

TEST_CASE("options: only URLs may be given more than once") {
  CHECK(weir::check_options(kRecorder, {{"level", {"1", "1"}}}).at(0).sentence ==
        "recorder: option \"level\" is given 2 times, expected once");
  CHECK(weir::check_options(kRecorder, {{"level", {}}}).at(0).sentence ==
        "recorder: option \"level\" lacks a value");
  CHECK(weir::check_options(kRecorder, {{"to", {"a:1", "b:2"}}}).empty());
}

TEST_CASE("options: all faults are told at once, and nothing is made") {
  const OptionValues values{{"level", {"x"}}, {"loud", {"y"}}, {"nope", {"z"}}};

  CHECK(weir::check_options(kRecorder, values).size() == 3);
  CHECK_THROWS_WITH(weir::make_protocol(kRecorder, values),
                    Catch::Contains("\"level\"") &&
                        Catch::Contains("; recorder: option \"loud\"") &&
                        Catch::Contains("\"nope\""));
}

TEST_CASE("options: outside text in a fault is escaped") {
  const auto faults = weir::check_options(kRecorder, {{"level", {"\x1b[2J\n"}}, {"a\nb", {"x"}}});

  REQUIRE(faults.size() == 2);
  CHECK_THAT(faults[0].sentence, Catch::Contains("\\x1b[2J\\n"));
  CHECK_THAT(faults[1].sentence, Catch::Contains("a\\nb"));
}

TEST_CASE("options: a type that makes nothing is refused") {
  weir::ServiceType type = kPlain;
  type.make = [](weir::OptionReader&) { return std::unique_ptr<weir::Protocol>(); };

  CHECK_THROWS_WITH(weir::make_protocol(type, {}), "plain: the protocol could not be made");
}

TEST_CASE("units: sizes are read in bytes, binary and decimal units") {
  CHECK(weir::parse_size("0") == 0u);
  CHECK(weir::parse_size("4096") == 4096u);
  CHECK(weir::parse_size("7B") == 7u);
  CHECK(weir::parse_size("64KiB") == 65'536u);
  CHECK(weir::parse_size("64kib") == 65'536u);
  CHECK(weir::parse_size("1kB") == 1000u);
  CHECK(weir::parse_size("1MB") == 1'000'000u);
  CHECK(weir::parse_size("3GiB") == 3u << 30);
  for (const char* wrong : {"", "KiB", "1K", "1.5KiB", "+1", " 1", "1 KiB", "0x10"}) {
    CHECK_FALSE(weir::parse_size(wrong));
  }
}

TEST_CASE("units: durations are read in milliseconds to hours, bare numbers in seconds") {
  CHECK(weir::parse_duration("250ms") == 250ms);
  CHECK(weir::parse_duration("30") == 30s);
  CHECK(weir::parse_duration("30s") == 30s);
  CHECK(weir::parse_duration("5m") == 5min);
  CHECK(weir::parse_duration("1h") == 1h);
  CHECK(weir::parse_duration("off") == 0s);
  CHECK(weir::parse_duration("0") == 0s);
  for (const char* wrong : {"", "s", "1d", "1.5s", "-1s", "1H", "1S", "Off"}) {
    CHECK_FALSE(weir::parse_duration(wrong));
  }
}

TEST_CASE("units: what is written is read back as the same value") {
  for (const std::size_t size : {0u, 1u, 1000u, 1024u, 1025u, 65'536u, 3u << 20, 1u << 30}) {
    CHECK(weir::parse_size(weir::size_text(size)) == size);
  }
  for (const Millis time : {0ms, 1ms, 999ms, 1000ms, 1001ms, 60'000ms, 90'000ms, 3'600'000ms}) {
    CHECK(weir::parse_duration(weir::duration_text(time)) == time);
  }
  CHECK(weir::size_text(65'536) == "64KiB");
  CHECK(weir::size_text(1000) == "1000");
  CHECK(weir::duration_text(90s) == "90s");
  CHECK(weir::duration_text(5min) == "5m");
}

TEST_CASE("options: a required one that is missing is a fault, beside the others") {
  struct Needs {
    std::vector<weir::Url> to;
    std::int64_t count = 1;
    void read(weir::OptionReader& in) {
      in.urls("to", to, "where to");
      in.require("to");
      in.number("count", count, 1, 9, "how many");
    }
  };
  struct Needy final : weir::Handler {
    using Options = Needs;
    explicit Needy(const Options&) {}
  };
  static constexpr weir::ServiceType type = weir::handler_type<Needy>("needy", "Needs a URL.");

  REQUIRE(weir::check_options(type, {}).size() == 1);
  CHECK(weir::check_options(type, {}).at(0).sentence == "needy: option \"to\" is required");
  CHECK(weir::check_options(type, {{"count", {"0"}}}).size() == 2);
  CHECK(weir::check_options(type, {{"to", {}}}).size() == 1);
  CHECK(weir::check_options(type, {{"to", {"tcp://127.0.0.1:7"}}}).empty());
  CHECK_THROWS_AS(weir::make_protocol(type, {}), weir::SetupError);
  CHECK(weir::describe_options(type).at(0).required);
  CHECK_FALSE(weir::describe_options(type).at(1).required);
}
