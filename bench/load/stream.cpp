#include "stream.hpp"

#include <array>
#include <string>

namespace weir::load {

namespace {

using Header = std::array<std::byte, 8>;  // The phase, little endian.

Header header_of(std::uint64_t phase) {
  Header header{};
  for (std::size_t i = 0; i < header.size(); ++i) {
    header[i] = static_cast<std::byte>(phase >> (8 * i));
  }
  return header;
}

std::uint64_t phase_in(Bytes header) {
  std::uint64_t phase = 0;
  for (std::size_t i = header.size(); i-- > 0;) {
    phase = (phase << 8) | std::to_integer<std::uint64_t>(header[i]);
  }
  return phase;
}

Payload whole_periods(const Pattern& pattern, std::size_t size) {
  const std::size_t period = pattern.period();
  const std::size_t count = size < period ? 1 : (size + period / 2) / period;
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += as_text(Bytes(pattern.at(0), period));
  return Payload(bytes);
}

}  // namespace

StreamPieces::StreamPieces(const Pattern& pattern, std::size_t size)
    : pattern_(pattern), piece_(whole_periods(pattern, size)) {}

void StreamSender::begin(Connection& to) {
  PatternCursor place(pieces_.pattern(), seed_);
  to.write(header_of(place.phase()));
  place.write(to, pieces_.pattern().period() - place.phase());
}

std::size_t StreamSender::fill(Connection& to) const {
  std::size_t written = 0;
  Flow flow = Flow::open;
  while (flow == Flow::open && !to.closing()) {
    flow = to.write(pieces_.piece());
    written += pieces_.piece().size();
  }
  return written;
}

StreamChecker::Taken StreamChecker::take(Bytes data) {
  std::size_t used = 0;
  if (!begun_) {
    if (data.size() < Header{}.size()) return {};
    used = Header{}.size();
    const std::uint64_t phase = phase_in(data.first(used));
    if (phase >= pattern_.period()) return {data.size(), false};
    place_ = PatternCursor(pattern_, phase);
    begun_ = true;
  }
  return {data.size(), place_.matches(data.subspan(used))};
}

}  // namespace weir::load
