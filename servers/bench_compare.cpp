#include "bench_compare.hpp"

#include <bench/compare/result_file.hpp>
#include <bench/compare/show.hpp>
#include <bench/report/html.hpp>
#include <charconv>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include <weir/text.hpp>

#include "terminal.hpp"

namespace weir::program {
namespace {

using Json = nlohmann::ordered_json;

struct Request {
  std::string a;
  std::string b;
  std::string html;  // A file to write to; empty: none.
  bool json = false;
  std::string worse = "10%";
};

constexpr double kWorseMost = 10'000;  // Per cent.

// "10%" is 0.1.
std::optional<double> share_of(std::string_view text) {
  double percent = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percent);
  const std::string_view rest = text.substr(static_cast<std::size_t>(end - text.data()));
  const bool in_range = percent >= 0 && percent <= kWorseMost;
  return error == std::errc() && rest == "%" && in_range ? std::optional(percent / 100)
                                                         : std::nullopt;
}

// What the exit status says, each reason as a sentence.
Exit judge(const load::Comparison& found, double share, const std::string& limit) {
  for (const load::Compared* side : {&found.a, &found.b}) {
    if (side->not_valid.empty()) continue;
    fail(kInvalid, "\"" + escape(side->file) + "\" is not a valid run: " + escape(side->not_valid));
  }
  if (!found.is_valid()) return kInvalid;
  const std::vector<load::Figure> worse = load::worse_by(found, share);
  for (const load::Figure& figure : worse) {
    fail(kBreached, load::sentence(figure) + ", worse by more than " + escape(limit));
  }
  return worse.empty() ? kDone : kBreached;
}

Exit compare(const Request& request, double share) {
  std::vector<Json> results;
  for (const std::string& file : {request.a, request.b}) {
    try {
      results.push_back(load::read_result(file));
    } catch (const load::ResultFileError& wrong) {
      const bool malformed = wrong.kind() == load::ResultFileError::Kind::malformed;
      return fail(malformed ? kData : kNoInput, wrong.what());
    }
  }
  if (!request.html.empty()) {
    std::ofstream page(request.html, std::ios::binary);
    page << load::html_report(results) << std::flush;
    if (!page) return fail(kCannotCreate, "cannot write \"" + escape(request.html, 200) + '"');
  }
  const load::Comparison found = load::compare(results[0], request.a, results[1], request.b);
  const Exit printed = print(
      request.json
          ? load::to_json(found, share).dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
          : load::table(found));
  return printed != kDone ? printed : judge(found, share, request.worse);
}

Exit run(const CLI::App& app, const Request& request) {
  if (const Exit wrong = reject_unknown(app); wrong != kDone) return wrong;
  if (request.b.empty()) {
    return misuse(app, "compare needs two results, as in \"weir bench compare A.json B.json\"");
  }
  const std::optional<double> share = share_of(request.worse);
  if (!share) {
    return fail(kUsage,
                "--worse takes a percentage from 0% to 10000%, as in \"--worse 10%\", not \"" +
                    escape(request.worse) + "\"");
  }
  return compare(request, *share);
}

}  // namespace

Command add_bench_compare(CLI::App& bench) {
  auto request = std::make_shared<Request>();
  CLI::App* app = bench.add_subcommand("compare", "Put two results side by side.");
  app->allow_extras();
  app->add_option("A.json", request->a, "a result of \"weir bench --json\"")->type_name("");
  app->add_option("B.json", request->b, "the one that is held against it")->type_name("");
  app->add_flag("--json", request->json, "as JSON");
  app->add_option("--html", request->html, "write a page with both, one over the other")
      ->type_name("FILE");
  app->add_option("--worse", request->worse,
                  "how much worse B may be than A (default 10%): its rate, p99 and server CPU")
      ->type_name("SHARE");
  set_usage(*app, "weir bench compare A.json B.json [--json] [--html FILE] [--worse 10%]");
  app->footer(
      "Examples:\n  weir bench compare before.json after.json\n"
      "  weir bench compare --worse 5% main.json branch.json\n\n"
      "Exit status: 0 B is not worse, 65 a file is no result, 66 it cannot be read, 73 the "
      "page\ncannot be written, 98 one of the "
      "runs is not valid, 99 B is worse by more than --worse, surely so where an interval tells.");
  return {app, [app, request] { return run(*app, *request); }};
}

}  // namespace weir::program
