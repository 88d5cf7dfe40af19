#include <algorithm>
#include <stdexcept>

#include <bench/report/html.hpp>
#include <bench/report/page_parts.hpp>

namespace weir::load {
namespace {

using Json = nlohmann::ordered_json;

void append_part(std::string& page, std::string_view name) {
  const std::span<const PagePart> parts = page_parts();
  const auto found = std::ranges::find(parts, name, &PagePart::name);
  if (found == parts.end()) throw std::logic_error("no part of a page: " + std::string(name));
  for (const std::string_view piece : found->pieces) page += piece;
}

// JSON that may stand inside <script>: without "<" no tag or comment can begin there, and with all of
// it in ASCII neither the encoding of the file nor a line separator matters.
void append_data(std::string& page, std::span<const Json> results) {
  Json all = Json::array();
  for (const Json& each : results) all.push_back(each);
  for (const char c : all.dump(-1, ' ', true, Json::error_handler_t::replace)) {
    if (c == '<') {
      page += "\\u003c";
    } else {
      page += c;
    }
  }
}

}  // namespace

// What is put in is not looked at again, so a result that holds "{{page.js}}" stays a text.
std::string html_report(std::span<const Json> results) {
  if (results.empty() || results.size() > 2) {
    throw std::invalid_argument("a report is of one result or two, not of " +
                                std::to_string(results.size()));
  }
  std::string frame;
  append_part(frame, "page.html");
  std::string page;
  std::string_view left = frame;
  for (auto open = left.find("{{"); open != left.npos; open = left.find("{{")) {
    const auto close = left.find("}}", open);
    const std::string_view name = left.substr(open + 2, close - open - 2);
    page += left.substr(0, open);
    if (name == "results") {
      append_data(page, results);
    } else {
      append_part(page, name);
    }
    left.remove_prefix(close + 2);
  }
  page += left;
  return page;
}

}  // namespace weir::load
