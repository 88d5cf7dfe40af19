#include <weir/framing.hpp>

#include <algorithm>
#include <array>

namespace weir {

namespace {

std::string_view without_cr(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// No LF has come yet, and whatever comes the line is too long. A CR at the very end may still turn
// out to belong to the line's end.
bool surely_long(std::string_view unfinished, std::size_t line_max) {
  return without_cr(unfinished).size() > line_max;
}

// Whether a batch stops here: what is left of it would be told to a handler that has had enough.
bool stops(const Connection& self, bool may_pause) {
  return self.closing() || self.securing() || (may_pause && (self.paused() || self.full()));
}

}  // namespace

// The lines that are whole, one by one; returns how many bytes of `data` are done with. Unless
// `may_pause`, pausing does not keep any line back: at EOF there is no later time for them.
std::size_t LineHandler::lines(Connection& self, Bytes data, bool may_pause) {
  const std::string_view text = as_text(data);
  std::size_t used = 0;
  std::size_t from = std::min(scanned_, text.size());
  scanned_ = 0;
  for (;;) {
    const std::size_t end = text.find('\n', from);
    const std::string_view line = text.substr(used, end - used);
    if (surely_long(line, line_max_)) {
      overlong_ = true;
      on_long_line(self);
      return text.size();
    }
    if (end == std::string_view::npos) break;
    from = used = end + 1;
    on_line(self, without_cr(line));
    if (stops(self, may_pause)) return used;
  }
  scanned_ = text.size() - used;
  return used;
}

std::size_t LineHandler::on_data(Connection& self, Bytes data) {
  return overlong_ ? data.size() : lines(self, data, true);
}

void LineHandler::on_eof(Connection& self, Bytes unused) {
  if (!overlong_) {
    // Core may hold whole lines here too: those behind one that paused.
    const Bytes rest = unused.subspan(lines(self, unused, false));
    if (!rest.empty() && !self.closing()) on_line(self, without_cr(as_text(rest)));
  }
  if (!self.closing()) on_end(self);
}

void Pace::spend(Connection& self) {
  using namespace std::chrono_literals;
  if (per_second_ == 0) return;
  const std::chrono::microseconds now = self.loop().now().time_since_epoch();
  due_ = std::max(due_, now - 1s) + std::chrono::microseconds(1s) / per_second_;
  if (due_ <= now) return;
  self.pause();
  const Millis wait = std::chrono::ceil<Millis>(due_ - now);
  resume_ = self.loop().after(wait, [&self] { self.resume(); });
}

namespace {

std::size_t length_of(Bytes prefix) {
  std::size_t length = 0;
  for (const std::byte b : prefix) length = length << 8 | std::to_integer<std::size_t>(b);
  return length;
}

}  // namespace

Flow FrameHandler::write_frame(Connection& to, Bytes frame, Prefix prefix) {
  const std::size_t width = static_cast<std::size_t>(prefix);
  if (std::uint64_t{frame.size()} >> (8 * width) != 0) {
    throw SetupError("a frame of " + std::to_string(frame.size()) +
                     " bytes is longer than its prefix of " + std::to_string(width) +
                     (width == 1 ? " byte" : " bytes") + " can say");
  }
  std::array<std::byte, 4> length{};
  for (std::size_t i = 0; i < width; ++i) {
    length[i] = static_cast<std::byte>(frame.size() >> (8 * (width - 1 - i)) & 0xff);
  }
  to.write(Bytes(length).first(width));
  return to.write(frame);
}

// The frames that are whole, one by one; returns how many bytes of `data` are done with.
std::size_t FrameHandler::frames(Connection& self, Bytes data, bool may_pause) {
  const std::size_t width = static_cast<std::size_t>(prefix_);
  std::size_t used = 0;
  while (data.size() - used >= width) {
    const std::size_t length = length_of(data.subspan(used, width));
    if (length > frame_max_) {
      overlong_ = true;
      on_long_frame(self);
      return data.size();
    }
    if (data.size() - used - width < length) break;
    const Bytes frame = data.subspan(used + width, length);
    used += width + length;
    on_frame(self, frame);
    if (stops(self, may_pause)) break;
  }
  return used;
}

std::size_t FrameHandler::on_data(Connection& self, Bytes data) {
  return overlong_ ? data.size() : frames(self, data, true);
}

void FrameHandler::on_eof(Connection& self, Bytes unused) {
  const std::size_t used = overlong_ ? unused.size() : frames(self, unused, false);
  if (!self.closing()) on_end(self, unused.subspan(used));
}

}  // namespace weir
