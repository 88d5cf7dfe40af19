#include <weir/handler.hpp>

#include <optional>

namespace weir {

namespace {

// In front of each item, so that reading in another order than was written is noticed.
constexpr std::byte kNumber{'n'};
constexpr std::byte kBytes{'b'};
constexpr std::byte kConnection{'c'};

constexpr std::size_t kNumberSize = 8;

void append(std::vector<std::byte>& to, std::byte tag, std::uint64_t number) {
  to.push_back(tag);
  for (unsigned shift = 0; shift < 64; shift += 8) {
    to.push_back(static_cast<std::byte>(number >> shift & 0xff));
  }
}

// Takes an item's tag and number off the front of `from`.
std::optional<std::uint64_t> take(Bytes& from, std::byte tag) {
  if (from.size() < 1 + kNumberSize || from[0] != tag) return {};
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < kNumberSize; ++i) {
    number |= std::to_integer<std::uint64_t>(from[1 + i]) << (8 * i);
  }
  from = from.subspan(1 + kNumberSize);
  return number;
}

// Zero, and failure for good, if the next item is another.
std::uint64_t take_or_fail(Bytes all, std::size_t& read, bool& failed, std::byte tag) {
  Bytes rest = all.subspan(read);
  const auto number = failed ? std::nullopt : take(rest, tag);
  if (!number) {
    failed = true;
    return 0;
  }
  read = all.size() - rest.size();
  return *number;
}

}  // namespace

void State::put(std::uint64_t number) { append(bytes_, kNumber, number); }

void State::put(Bytes bytes) {
  append(bytes_, kBytes, bytes.size());
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

void State::put(const Connection& other) { append(bytes_, kConnection, other.id()); }

std::uint64_t State::take_number() { return take_or_fail(bytes_, read_, failed_, kNumber); }

std::uint64_t State::take_connection_id() {
  return take_or_fail(bytes_, read_, failed_, kConnection);
}

Bytes State::take_bytes() {
  const std::uint64_t size = take_or_fail(bytes_, read_, failed_, kBytes);
  if (size > bytes_.size() - read_) failed_ = true;
  if (failed_) return {};
  const Bytes taken = Bytes(bytes_).subspan(read_, static_cast<std::size_t>(size));
  read_ += taken.size();
  return taken;
}

}  // namespace weir
