#include "addresses.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include <weir/address.hpp>
#include <weir/text.hpp>

namespace weir::load {

namespace {

constexpr int kLoopbacks = 253;  // 127.0.0.2 to 127.0.0.254
constexpr std::size_t kWordMost = 100;

std::string quoted(std::string_view word) { return "\"" + escape(word, kWordMost) + "\""; }

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::vector<std::string> loopbacks(std::string_view text) {
  int count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || count < 1 || count > kLoopbacks) {
    throw SetupError(quoted(text) + " is no number of addresses, expected 1 to " +
                     std::to_string(kLoopbacks));
  }
  std::vector<std::string> all;
  for (int i = 0; i < count; ++i) all.push_back("127.0.0." + std::to_string(2 + i));
  return all;
}

// What Address::parse takes, but for those that stand for every address.
Address address_of(std::string_view word) {
  const auto found = Address::parse(word, 0);
  if (!found) {
    throw SetupError(quoted(word) +
                     " is no IPv4 or IPv6 address, expected a number from 1 to 253, or addresses "
                     "as in 127.0.0.2,127.0.0.3 or 127.0.0.2-127.0.0.9");
  }
  const Bytes ip = found->ip();
  if (std::all_of(ip.begin(), ip.end(), [](std::byte each) { return each == std::byte{0}; })) {
    throw SetupError(quoted(word) + " is every address, expected a single one");
  }
  return *found;
}

std::vector<std::string> range(std::string_view word, std::size_t dash) {
  const Address first = address_of(word.substr(0, dash));
  const Address last = address_of(word.substr(dash + 1));
  const bool ipv4 =
      first.family() == Address::Family::ipv4 && last.family() == Address::Family::ipv4;
  if (!ipv4 || !std::equal(first.ip().begin(), first.ip().begin() + 3, last.ip().begin()) ||
      first.ip()[3] > last.ip()[3]) {
    throw SetupError(quoted(word) + " is no range of addresses, expected two of IPv4 that differ " +
                     "in the last byte only, the smaller first, as in 127.0.0.2-127.0.0.9");
  }
  const std::string_view text = word.substr(0, dash);
  const std::string network(text.substr(0, text.rfind('.') + 1));
  std::vector<std::string> all;
  for (int i = static_cast<int>(first.ip()[3]); i <= static_cast<int>(last.ip()[3]); ++i) {
    all.push_back(network + std::to_string(i));
  }
  return all;
}

std::vector<std::string> word_addresses(std::string_view word) {
  const std::size_t dash = word.find('-');
  if (dash != std::string_view::npos) return range(word, dash);
  address_of(word);
  return {std::string(word)};
}

}  // namespace

std::vector<std::string> read_addresses(std::string_view text) {
  if (is_number(text)) return loopbacks(text);
  std::vector<std::string> all;
  std::set<std::string> seen;
  for (std::size_t from = 0; from <= text.size();) {
    const std::size_t comma = std::min(text.find(',', from), text.size());
    for (std::string& each : word_addresses(text.substr(from, comma - from))) {
      // By its value: IPv6 addresses can be written in more than one way.
      if (!seen.insert(address_of(each).text()).second) {
        throw SetupError(quoted(each) + " is said twice, expected each address once");
      }
      all.push_back(std::move(each));
      if (all.size() > kAddressesMost) {
        throw SetupError("these are more than " + std::to_string(kAddressesMost) +
                         " addresses, from " + quoted(all.back()) + " on; expected fewer");
      }
    }
    from = comma + 1;
  }
  return all;
}

}  // namespace weir::load
