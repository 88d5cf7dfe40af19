#include "fanout.hpp"

#include <charconv>

namespace weir::load {

namespace {

constexpr std::size_t kDigits = 12;         // At the beginning of what is said.
constexpr std::size_t kLinesMax = 1 << 16;  // Between the oldest line under way and the newest.

}  // namespace

FanoutRun::FanoutRun(const Tools& tools, const Plan& plan, Task done)
    : Run(tools, plan, std::move(done)),
      rooms_(static_cast<std::size_t>(plan.rooms)),
      hearers_(wanted() / rooms_.size() - 1 - static_cast<std::size_t>(plan.stalled)) {
  for (Room& room : rooms_) room.lines.resize(kLinesMax / rooms_.size() + 1);
}

std::unique_ptr<Session> FanoutRun::session(std::size_t index) {
  return std::make_unique<FanoutSession>(*this, index);
}

// Of one room, everybody is in it from the beginning. Others get names that no earlier run has used, as
// rooms show their last lines.
void FanoutRun::measure() {
  for (const Made& each : all_made()) {
    rooms_[each.session->index() % rooms_.size()].members.push_back(each);
  }
  if (rooms_.size() == 1) return begin_speaking();
  const std::string name = "bench" + std::to_string(loop().random() % 1'000'000) + "-";
  to_join_ = all_made().size();
  for (std::size_t i = 0; i < rooms_.size(); ++i) {
    for (const Made& each : rooms_[i].members) {
      static_cast<FanoutSession*>(each.session)->join(*each.connection, name + std::to_string(i));
    }
  }
  later(plan().timeout, [this] {
    meter().fail(std::to_string(to_join_) + " members were not let into their room");
    finish();
  });
}

void FanoutRun::joined() {
  if (--to_join_ == 0 && !finished()) begin_speaking();
}

// Lines that somebody said or was to hear are lost with him.
void FanoutRun::on_close(Session& session, const CloseReason& reason) {
  Run::on_close(session, reason);
  finish();
}

void FanoutRun::begin_speaking() {
  stop_waiting();
  speaking_ = true;
  const auto stalled = static_cast<std::size_t>(plan().stalled);
  for (Room& room : rooms_) {
    for (std::size_t i = 0; i < stalled; ++i) {
      room.members[room.members.size() - 1 - i].connection->pause();
    }
    for (std::int64_t i = 0; i < plan().depth; ++i) say(room);
  }
  warm_up();
}

void FanoutRun::say(Room& room) {
  const auto senders = static_cast<std::uint64_t>(plan().senders);
  Connection& sender = *room.members[room.said % senders].connection;
  room.lines[room.said % room.lines.size()] = {machine().now(), hearers_};
  std::string digits = std::to_string(room.said++);
  std::string line(kDigits - digits.size(), '0');
  line += digits;
  line.resize(plan().size, '.');
  sender.write(line + "\n");
}

bool FanoutRun::heard(std::size_t member, std::uint64_t number, Nanos now) {
  if (finished()) return true;
  Room& room = rooms_[member % rooms_.size()];
  if (number >= room.said || room.said - number > room.lines.size()) return false;
  Line& line = room.lines[number % room.lines.size()];
  if (line.deaf == 0) return false;
  ++meter().messages;
  meter().bytes += plan().size;
  meter().latency.record(now - line.said, 1);
  if (--line.deaf == 0) say(room);
  return true;
}

FanoutSession::FanoutSession(FanoutRun& run, std::size_t index)
    : Session(run, index), rooms_(run) {}

void FanoutSession::join(Connection& self, const std::string& room) {
  joining_ = room;
  self.write("/join " + room + "\n");
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
  if (!joining_.empty() && line.starts_with("* ") && line.find(joining_) != line.npos) {
    joining_.clear();
    rooms_.joined();
  }
  if (!rooms_.speaking()) return nullptr;
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
  if (number < next_) return "lines came out of their order, or twice";
  next_ = number + 1;
  return rooms_.heard(index(), number, now) ? nullptr : "a line came twice, or was never said";
}

}  // namespace weir::load
