#include "tls_names.hpp"

#include <algorithm>

#include <weir/text.hpp>

namespace weir {

namespace {

constexpr std::size_t kNameMost = 253;  // RFC 1035, as written with dots.

// As names are compared; empty for what cannot be one.
std::string plain(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return host.size() > kNameMost ? std::string() : lower(host);
}

// "*" for the first part of a name; empty for a name that has nothing left then.
std::string wildcard_of(const std::string& host) {
  const std::size_t dot = host.find('.');
  return dot == std::string::npos || dot == 0 ? std::string() : '*' + host.substr(dot);
}

}  // namespace

bool covers_name(std::string_view pattern, std::string_view host) {
  const std::string name = plain(host);
  const std::string lowered = plain(pattern);
  if (name.empty() || lowered.empty() || name.find('*') != std::string::npos) return false;
  return lowered == name || lowered == wildcard_of(name);
}

void NameTable::add(std::string_view name, std::size_t number) {
  const std::string key = plain(name);
  if (key.empty()) return;
  Numbers& numbers = names_[key];
  if (std::find(numbers.begin(), numbers.end(), number) == numbers.end()) numbers.push_back(number);
}

const NameTable::Numbers* NameTable::find(std::string_view host) const {
  const std::string name = plain(host);
  if (name.empty() || name.find('*') != std::string::npos) return nullptr;
  auto found = names_.find(name);
  if (found == names_.end()) found = names_.find(wildcard_of(name));
  return found == names_.end() ? nullptr : &found->second;
}

}  // namespace weir
