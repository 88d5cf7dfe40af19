// The exit status and the sentences of `weir bench compare`.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include <unistd.h>

#include <servers/bench_compare.hpp>

using namespace weir::program;
using Json = nlohmann::ordered_json;

namespace {

// A folder of its own, gone with the test.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "weir-compare-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return (path_ / name).string();
  }

 private:
  std::filesystem::path path_;
};

// What is written to a descriptor while this lives.
class Captured {
 public:
  explicit Captured(int descriptor) : descriptor_(descriptor), before_(::dup(descriptor)) {
    ::dup2(::fileno(file_.get()), descriptor_);
  }
  ~Captured() {
    ::dup2(before_, descriptor_);
    ::close(before_);
  }
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;

  std::string text() const {
    std::string all(1 << 16, '\0');
    const ssize_t size = ::pread(::fileno(file_.get()), all.data(), all.size(), 0);
    all.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return all;
  }

 private:
  int descriptor_;
  int before_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_{std::tmpfile(), &std::fclose};
};

struct Outcome {
  int status = -1;
  std::string out;
  std::string err;
};

Outcome run(std::vector<std::string> words) {
  CLI::App root("test", "weir");
  root.allow_extras();
  CLI::App* bench = root.add_subcommand("bench");
  const Command command = add_bench_compare(*bench);
  words.insert(words.begin(), {"bench", "compare"});
  std::reverse(words.begin(), words.end());  // As CLI11 wants them.
  root.parse(words);
  Outcome outcome;
  const Captured out(1);
  const Captured err(2);
  outcome.status = command.run();
  outcome.out = out.text();
  outcome.err = err.text();
  return outcome;
}

Json result_of(double rate) {
  return {{"format", 1},
          {"weir", "0.1.0"},
          {"started", "2026-11-28T10:00:00Z"},
          {"command", Json::array()},
          {"scenario", "echo"},
          {"target", "tcp://127.0.0.1:7007"},
          {"options", Json::object()},
          {"connections", 50},
          {"duration_s", 1},
          {"messages", 1},
          {"bytes", 1},
          {"rate", rate},
          {"errors", 0},
          {"dropped", 0},
          {"unanswered", 0},
          {"latency_us", {{"p50", 1}, {"p90", 1}, {"p99", 1}, {"p999", 1}, {"max", 1}}},
          {"service_us", nullptr},
          {"lag_us", nullptr},
          {"valid", true},
          {"reason", ""},
          {"limited_by", nullptr},
          {"thresholds", Json::array()},
          {"find_max", nullptr},
          {"generator", {{"agents", 1}, {"cpu_share", 0.4}}},
          {"server", nullptr},
          {"timeline", Json::array()},
          {"percentiles", Json::array()},
          {"environment", Json::object()}};
}

}  // namespace

TEST_CASE("bench compare: 0 when B is not worse, with the table on standard output") {
  const Folder folder;

  const Outcome outcome = run(
      {folder.file("a.json", result_of(100).dump()), folder.file("b.json", result_of(91).dump())});

  CHECK(outcome.status == 0);
  CHECK_THAT(outcome.out, Catch::Contains("rate, messages/s"));
  CHECK(outcome.err.empty());
}

TEST_CASE("bench compare: 99 when B is worse by more than was said, and by what") {
  const Folder folder;
  const std::string a = folder.file("a.json", result_of(100).dump());
  const std::string b = folder.file("b.json", result_of(80).dump());

  const Outcome by_default = run({a, b});
  const Outcome lenient = run({a, b, "--worse", "25%"});

  CHECK(by_default.status == 99);
  CHECK(by_default.err == "weir: rate of B is 0.800 times that of A, worse by more than 10%\n");
  CHECK(lenient.status == 0);
}

TEST_CASE("bench compare: 98 when a run does not count, and 99 is not asked then") {
  const Folder folder;
  Json invalid = result_of(10);
  invalid["valid"] = false;
  invalid["reason"] = "the generator was the limit";

  const Outcome outcome =
      run({folder.file("a.json", result_of(100).dump()), folder.file("b.json", invalid.dump())});

  CHECK(outcome.status == 98);
  CHECK_THAT(outcome.out, Catch::Contains("NOT VALID"));
  CHECK_THAT(outcome.err,
             Catch::EndsWith("b.json\" is not a valid run: the generator was the limit\n"));
}

TEST_CASE("bench compare: 66 for a file that is not there, 65 for one that is no result") {
  const Folder folder;
  const std::string a = folder.file("a.json", result_of(100).dump());

  const Outcome absent = run({a, a + ".gone"});
  const Outcome wrong = run({folder.file("wrong.json", "{]"), a});

  CHECK(absent.status == 66);
  CHECK_THAT(absent.err, Catch::EndsWith("a.json.gone\": No such file or directory\n"));
  CHECK(wrong.status == 65);
  CHECK_THAT(wrong.err, Catch::EndsWith("wrong.json\" is not JSON from line 1, column 2 on\n"));
  CHECK(wrong.out.empty());
}

TEST_CASE("bench compare: 64 for a wrong command line") {
  CHECK_THAT(run({"a.json"}).err, Catch::StartsWith("weir: compare needs two results"));
  CHECK(run({"a.json"}).status == 64);
  CHECK(run({"a.json", "b.json", "c.json"}).err == "weir: \"c.json\" is one argument too many\n");
  for (const char* limit : {"10", "0.1", "x%", "-1%", "10001%", "%", "nan%"}) {
    const Outcome outcome = run({"a.json", "b.json", std::string("--worse=") + limit});
    INFO(limit);
    CHECK(outcome.status == 64);
    CHECK_THAT(outcome.err, Catch::StartsWith("weir: --worse takes a percentage from 0%"));
  }
}

TEST_CASE("bench compare: --json prints JSON and keeps the exit status") {
  const Folder folder;

  const Outcome outcome = run({folder.file("a.json", result_of(100).dump()),
                               folder.file("b.json", result_of(80).dump()), "--json"});

  CHECK(outcome.status == 99);
  CHECK(Json::parse(outcome.out)["worse"] == Json{"rate"});
}
