#include "reply.hpp"

#include <algorithm>
#include <charconv>

#include <strings.h>

namespace weir::load {

namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr std::size_t kHeadMost = 32 << 10;

// The digits behind any blanks at the front.
std::optional<std::size_t> leading_number(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool ends = end == text.data() + text.size() || *end == ' ' || *end == '\r' || *end == '\t';
  if (error != std::errc() || !ends) return {};
  return number;
}

bool begins_with(std::string_view line, std::string_view word) {
  return line.size() >= word.size() && strncasecmp(line.data(), word.data(), word.size()) == 0;
}

// What stands behind the name on its line.
std::optional<std::string_view> field(std::string_view head, std::string_view name) {
  for (std::size_t at = head.find('\n'); at != std::string_view::npos; at = head.find('\n', at)) {
    const std::string_view line = head.substr(++at);
    if (begins_with(line, name)) return line.substr(name.size());
  }
  return {};
}

// RFC 9112, 6.3, without chunks. `only_head` answers HEAD.
std::optional<std::size_t> http_size(std::string_view data, bool only_head) {
  constexpr std::string_view version = "HTTP/1.1 ";
  if (data.substr(0, version.size()) != version.substr(0, data.size())) return {};
  const std::size_t head = data.find(kHeadEnd);
  if (head == std::string_view::npos) {
    if (data.size() > kHeadMost) return {};
    return 0;
  }
  const auto status = leading_number(data.substr(version.size()));
  if (!status || *status >= 400) return {};
  const std::size_t size = head + kHeadEnd.size();
  constexpr std::size_t no_content = 204;
  constexpr std::size_t not_modified = 304;
  if (only_head || *status == no_content || *status == not_modified) return size;
  const std::string_view lines = data.substr(0, head + 2);
  if (field(lines, "transfer-encoding:")) return {};
  const auto length = field(lines, "content-length:");
  const auto body = length ? leading_number(*length) : std::nullopt;
  if (!body || *body > SIZE_MAX / 2) return {};
  return size + *body;
}

}  // namespace

std::optional<std::size_t> reply_size(const Reply& reply, std::string_view data) {
  if (reply.http) return http_size(data, reply.head);
  if (reply.bytes > 0) return reply.bytes;
  const std::string_view mark = reply.line ? std::string_view("\n") : reply.until;
  const std::size_t end = data.find(mark);
  return end == std::string_view::npos ? 0 : end + mark.size();
}

std::string_view reply_text(const Reply& reply, std::string_view whole) {
  if (reply.http) return whole.substr(whole.find(kHeadEnd) + kHeadEnd.size());
  if (!reply.until.empty()) whole.remove_suffix(reply.until.size());
  if (!reply.line) return whole;
  whole.remove_suffix(1);
  if (whole.ends_with('\r')) whole.remove_suffix(1);
  return whole;
}

}  // namespace weir::load
