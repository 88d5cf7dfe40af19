#include "proc_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace weir::load {

namespace {

constexpr std::string_view kSpace = " \t\r\n";

template <class T>
std::optional<T> parse(std::string_view word, int base = 10) {
  T value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, base);
  if (error != std::errc() || end != word.data() + word.size()) return {};
  return value;
}

std::string_view word_at(std::string_view text, std::size_t index) {
  for (;; --index) {
    text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
    const std::string_view word = text.substr(0, text.find_first_of(kSpace));
    if (index == 0 || word.empty()) return word;
    text.remove_prefix(word.size());
  }
}

// What follows `key` in the line that begins with it.
std::string_view line_of(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (line.starts_with(key)) return line.substr(key.size());
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return {};
}

std::optional<double> decimal(std::string_view word) {
  // Not every library has from_chars for these.
  const std::string text(word);
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || end != text.c_str() + text.size()) return {};
  if (!std::isfinite(value) || value < 0) return {};
  return value;
}

std::optional<PortRange> ports_between(std::string_view first, std::string_view last) {
  const auto from = parse<std::uint16_t>(first);
  const auto to = parse<std::uint16_t>(last);
  if (!from || !to || *from > *to) return {};
  return PortRange{*from, *to};
}

// "0100007F:1F90". Each four bytes are a number in the machine's own order.
std::optional<Address> read_endpoint(std::string_view word) {
  const std::size_t colon = word.find(':');
  if (colon != 8 && colon != 32) return {};
  const auto port = parse<std::uint16_t>(word.substr(colon + 1), 16);
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t at = 0; at < colon; at += 8) {
    const auto part = parse<std::uint32_t>(word.substr(at, 8), 16);
    if (!part) return {};
    std::memcpy(bytes.data() + at / 2, &*part, 4);
  }
  if (!port) return {};
  if (colon == 8) return Address::ipv4({bytes[0], bytes[1], bytes[2], bytes[3]}, *port);
  constexpr std::array<std::uint8_t, 12> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (std::equal(mapped.begin(), mapped.end(), bytes.begin())) {
    return Address::ipv4({bytes[12], bytes[13], bytes[14], bytes[15]}, *port);
  }
  return Address::ipv6(bytes, *port);
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  return text.substr(0, text.find_last_not_of(kSpace) + 1);
}

Count read_number(std::string_view text) { return parse<std::uint64_t>(trimmed(text)); }

Count number_at(std::string_view text, std::size_t index) {
  return parse<std::uint64_t>(word_at(text, index));
}

Count read_kib(std::string_view meminfo, std::string_view key) {
  constexpr std::uint64_t most = UINT64_MAX / 1'024;
  const Count kib = number_at(line_of(meminfo, key), 0);
  return kib && *kib <= most ? Count(*kib * 1'024) : Count();
}

Count read_sockstat(std::string_view sockstat, std::string_view line, std::string_view key) {
  const std::string_view found = line_of(sockstat, line);
  for (std::size_t i = 0; !word_at(found, i).empty(); i += 2) {
    if (word_at(found, i) == key) return number_at(found, i + 1);
  }
  return {};
}

std::optional<PortRange> read_port_range(std::string_view text) {
  return ports_between(word_at(text, 0), word_at(text, 1));
}

std::vector<PortRange> read_port_list(std::string_view text) {
  std::vector<PortRange> all;
  text = trimmed(text);
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(','));
    const std::size_t dash = word.find('-');
    const bool single = dash == std::string_view::npos;
    const auto range = ports_between(word.substr(0, dash), single ? word : word.substr(dash + 1));
    if (range) all.push_back(*range);
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  return all;
}

std::optional<double> read_load(std::string_view text) { return decimal(word_at(text, 0)); }

std::optional<double> read_cpu_max(std::string_view text) {
  const auto quota = decimal(word_at(text, 0));
  const auto period = decimal(word_at(text, 1));
  if (!quota || !period || *period <= 0) return {};
  return *quota / *period;
}

std::string read_group(std::string_view text) { return std::string(trimmed(line_of(text, "0::"))); }

Count read_open_files(std::string_view limits) {
  return number_at(line_of(limits, "Max open files"), 0);
}

// The command's name comes second, in brackets, and may itself hold brackets and spaces.
int read_parent(std::string_view stat) {
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return 0;
  return parse<int>(word_at(stat.substr(name_end + 1), 1)).value_or(0);
}

// sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode ...
std::optional<SocketRow> read_socket_row(std::string_view line) {
  const auto local = read_endpoint(word_at(line, 1));
  const auto remote = read_endpoint(word_at(line, 2));
  const auto state = parse<unsigned>(word_at(line, 3), 16);
  const auto uid = parse<std::uint32_t>(word_at(line, 7));
  const Count inode = number_at(line, 9);
  if (!local || !remote || !state || !uid || !inode) return {};
  return SocketRow{*local, *remote, *state, *uid, *inode};
}

// Num RefCount Protocol Flags Type St Inode Path; the path is the rest of the line.
std::optional<UnixRow> read_unix_row(std::string_view line) {
  constexpr unsigned listens = 0x10000;  // __SO_ACCEPTCON
  const auto flags = parse<unsigned>(word_at(line, 3), 16);
  const auto type = parse<unsigned>(word_at(line, 4), 16);
  const Count inode = number_at(line, 6);
  const std::string_view path_begin = word_at(line, 7);
  if (!flags || type != 1u || (*flags & listens) == 0 || !inode || !path_begin.starts_with('/')) {
    return {};
  }
  const auto before = static_cast<std::size_t>(path_begin.data() - line.data());
  return UnixRow{std::string(line.substr(before)), *inode};
}

}  // namespace weir::load
