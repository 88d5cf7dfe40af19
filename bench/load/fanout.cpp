#include "fanout.hpp"

#include <charconv>

namespace weir::load {

namespace {

constexpr std::size_t kDigits = 12;         // At the beginning of what is said.
constexpr std::size_t kLinesMax = 1 << 16;  // Between the oldest line under way and the newest.

}  // namespace

FanoutRun::FanoutRun(Loop& loop, const Plan& plan, Machine& machine, Task done)
    : Run(loop, plan, machine, std::move(done)),
      lines_(kLinesMax),
      hearers_(wanted() - 1 - static_cast<std::size_t>(plan.stalled)) {}

std::unique_ptr<Session> FanoutRun::session(std::size_t index) {
  return std::make_unique<FanoutSession>(*this, index);
}

void FanoutRun::measure() {
  const auto stalled = static_cast<std::size_t>(plan().stalled);
  for (std::size_t i = 0; i < stalled; ++i) {
    all_made()[all_made().size() - 1 - i].connection->pause();
  }
  for (std::int64_t i = 0; i < plan().depth; ++i) say();
  warm_up();
}

void FanoutRun::say() {
  const auto senders = static_cast<std::uint64_t>(plan().senders);
  Connection& sender = *all_made()[said_ % senders].connection;
  lines_[said_ % kLinesMax] = {machine().now(), hearers_};
  std::string digits = std::to_string(said_++);
  std::string line(kDigits - digits.size(), '0');
  line += digits;
  line.resize(plan().size, '.');
  sender.write(line + "\n");
}

bool FanoutRun::heard(std::uint64_t number, Nanos now) {
  if (number >= said_ || said_ - number > kLinesMax) return false;
  Line& line = lines_[number % kLinesMax];
  if (line.deaf == 0) return false;
  ++meter().messages;
  meter().bytes += plan().size;
  meter().latency.record(now - line.said, 1);
  if (--line.deaf == 0 && !finished()) say();
  return true;
}

std::size_t FanoutSession::on_data(Connection& self, Bytes data) {
  const std::string_view text = as_text(data);
  const Nanos now = run().machine().now();
  std::size_t used = 0;
  for (;;) {
    const std::size_t end = text.find('\n', used);
    if (end == std::string_view::npos) return used;
    std::string_view line = text.substr(used, end - used);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (const char* const fault = hear(line, now)) return wrong(self, data, fault);
    used = end + 1;
  }
}

// What the server itself says begins with "* "; who spoke may stand in front of what was said.
const char* FanoutSession::hear(std::string_view line, Nanos now) {
  const std::size_t size = run().plan().size;
  if (line.starts_with("* ")) {
    return line.find("missed") == std::string_view::npos ? nullptr : "lines were missed";
  }
  if (line.size() < size) return "a line is too short";
  const std::string_view said = line.substr(line.size() - size);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(said.data(), said.data() + kDigits, number);
  if (error != std::errc() || end != said.data() + kDigits) return "a line has no number";
  if (said.find_first_not_of('.', kDigits) != std::string_view::npos) return "a line is garbled";
  return room_.heard(number, now) ? nullptr : "a line came twice, or was never said";
}

}  // namespace weir::load
