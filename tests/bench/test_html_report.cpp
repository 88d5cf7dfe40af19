#include <catch2/catch.hpp>
#include <regex>
#include <vector>

#include <bench/report/html.hpp>

using weir::load::html_report;
using Json = nlohmann::ordered_json;

namespace {

std::string page_of(const Json& result) { return html_report(std::vector<Json>{result}); }

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t times = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + what.size())) ++times;
  return times;
}

// What stands in the page's element of data.
std::string data_of(const std::string& page) {
  const std::string open = R"(<script type="application/json" id="results">)";
  const std::size_t begin = page.find(open) + open.size();
  return page.substr(begin, page.find("</script>", begin) - begin);
}

constexpr const char* kHostile =
    "</script><!--<script>alert(1)</script><img src=x onerror=alert(1)>'\"\xe2\x80\xa8{{page.js}}";

}  // namespace

TEST_CASE("html report: the page asks for nothing from anywhere") {
  const std::string page = page_of({{"target", "tcp://127.0.0.1:7000"}});

  CHECK(count(page, "default-src 'none'") == 1);
  CHECK_FALSE(std::regex_search(page, std::regex(R"(<(link|img|iframe|object|embed|base)\b)")));
  CHECK_FALSE(std::regex_search(page, std::regex(R"(<script[^>]*\bsrc)")));
  CHECK_FALSE(std::regex_search(page, std::regex(R"(@import|\burl\()")));
  CHECK_FALSE(std::regex_search(page, std::regex(R"(\b(fetch|XMLHttpRequest|WebSocket)\b)")));
}

TEST_CASE("html report: nothing of the page is left to be filled in") {
  const std::string page = page_of(Json::object());

  CHECK(count(page, "{{") == 0);
  CHECK(count(page, "uPlot") > 1);
  CHECK(count(page, "showPage()") > 1);
  CHECK(count(page, "prefers-color-scheme: dark") > 0);
  CHECK(page.ends_with("</html>\n"));
}

TEST_CASE("html report: the results in the page are those that were given") {
  const Json first{
      {"target", "tcp://a"}, {"rate", 1.5}, {"server", nullptr}, {"bytes", 1ull << 60}};
  const Json second{{"target", kHostile}, {"timeline", Json::array()}};

  CHECK(Json::parse(data_of(page_of(first))) == Json::array({first}));
  CHECK(Json::parse(data_of(html_report(std::vector{first, second}))) ==
        Json::array({first, second}));
}

TEST_CASE("html report: no text of a result can become markup") {
  const std::string plain = page_of({{"target", ""}});
  const std::string page = page_of({{"target", kHostile}, {kHostile, 1}});

  CHECK(data_of(page).find_first_of("<\xe2") == std::string::npos);
  CHECK(count(page, "<script") == count(plain, "<script"));
  CHECK(count(page, "</script") == count(plain, "</script"));
  CHECK(count(page, "<img") == 0);
}

TEST_CASE("html report: a result that names a part of the page does not get it") {
  const std::string page = page_of({{"target", "{{page.js}}"}});

  CHECK(count(page, "{{page.js}}") == 1);
  CHECK(count(page, "function showPage()") == 1);
}

TEST_CASE("html report: what is not UTF-8 is replaced") {
  const std::string page = page_of({{"target", "a\xff"}});

  CHECK(Json::parse(data_of(page))[0]["target"] == "a\xef\xbf\xbd");
}

TEST_CASE("html report: it is of one result or two") {
  CHECK_THROWS_AS(html_report({}), std::invalid_argument);
  CHECK_THROWS_AS(html_report(std::vector<Json>(3, Json::object())), std::invalid_argument);
}
