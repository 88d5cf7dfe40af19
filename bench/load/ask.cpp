#include "ask.hpp"

#include <algorithm>
#include <charconv>

#include <strings.h>

namespace weir::load {

namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr std::string_view kLength = "content-length:";
constexpr std::size_t kHeadMost = 32 << 10;

// The digits behind any blanks at the front.
std::optional<std::size_t> leading_number(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return {};
  return number;
}

bool begins_with(std::string_view line, std::string_view word) {
  return line.size() >= word.size() && strncasecmp(line.data(), word.data(), word.size()) == 0;
}

std::optional<std::size_t> content_length(std::string_view head) {
  for (std::size_t at = head.find('\n'); at != std::string_view::npos; at = head.find('\n', at)) {
    const std::string_view line = head.substr(++at);
    if (begins_with(line, kLength)) return leading_number(line.substr(kLength.size()));
  }
  return {};
}

std::optional<std::size_t> http_size(std::string_view data) {
  constexpr std::string_view version = "HTTP/1.1 ";
  const std::size_t head = data.find(kHeadEnd);
  if (head == std::string_view::npos) {
    if (data.size() > kHeadMost) return {};
    return 0;
  }
  if (!data.starts_with(version)) return {};
  const auto status = leading_number(data.substr(version.size()));
  const auto body = content_length(data.substr(0, head + 2));
  if (!status || *status >= 400 || !body || *body > SIZE_MAX / 2) return {};
  return head + kHeadEnd.size() + *body;
}

class AskSession final : public Session {
 public:
  AskSession(Run& run, std::size_t index)
      : Session(run, index), in_flight_(static_cast<std::size_t>(run.plan().depth)) {}

  void begin(Connection& self) override {
    const auto depth = static_cast<std::size_t>(run().plan().depth);
    in_flight_.sent(run().machine().now(), depth);
    ask(self, depth);
  }

  std::size_t on_data(Connection& self, Bytes data) override {
    std::string_view rest = as_text(data);
    std::size_t replies = 0;
    while (!rest.empty()) {
      if (body_left_ == 0) {
        const auto size = reply_size(run().plan(), rest);
        if (!size) return wrong(self, data, "this is no reply, or one of failure");
        if (*size == 0) break;
        body_left_ = *size;
      }
      const std::size_t part = std::min(body_left_, rest.size());
      rest.remove_prefix(part);
      body_left_ -= part;
      if (body_left_ == 0) ++replies;
    }
    if (replies > in_flight_.messages()) return wrong(self, data, "more replies than requests");
    const std::size_t used = data.size() - rest.size();
    run().meter().bytes += used;
    if (replies > 0) answered(self, replies);
    return used;
  }

 private:
  void answered(Connection& self, std::size_t replies) {
    Meter& meter = run().meter();
    const Nanos now = run().machine().now();
    meter.messages += replies;
    in_flight_.answered(now, replies, meter.latency);
    if (run().finished()) return;
    in_flight_.sent(now, replies);
    ask(self, replies);
  }

  void ask(Connection& self, std::size_t times) {
    for (; times > 0; --times) self.write(run().plan().send);
  }

  InFlight in_flight_;
  std::size_t body_left_ = 0;  // Bytes of a reply whose size is known.
};

}  // namespace

std::optional<std::size_t> reply_size(const Plan& plan, std::string_view data) {
  if (plan.reply_http) return http_size(data);
  if (plan.reply_bytes > 0) return plan.reply_bytes;
  const std::size_t end = data.find('\n');
  return end == std::string_view::npos ? 0 : end + 1;
}

std::unique_ptr<Session> AskRun::session(std::size_t index) {
  return std::make_unique<AskSession>(*this, index);
}

}  // namespace weir::load
