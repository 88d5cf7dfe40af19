// Listening: what a service is made of before any loop has it.
#include <map>

#include "server_body.hpp"

namespace weir {

// The URLs with their queries; the same one twice, as with port 0, is told apart by a number.
std::vector<std::string> keys_of(const std::vector<Url>& at) {
  std::vector<std::string> keys;
  std::map<std::string, int> seen;
  for (const Url& url : at) {
    std::string key = url.text();
    for (const Url::Query& each : url.query()) key += " " + each.key + "=" + each.value;
    const int before = seen[key]++;
    keys.push_back(before == 0 ? key : key + " " + std::to_string(before));
  }
  return keys;
}

std::vector<Listening> bind_all(const std::vector<Url>& at, const std::vector<std::string>& keys) {
  std::vector<Listening> all;
  for (std::size_t i = 0; i < at.size(); ++i) {
    for (BoundSocket& socket : bind_url(at[i])) {
      Url place = socket.place();
      all.push_back({keys[i], std::move(socket), std::move(place), nullptr});
    }
  }
  return all;
}

std::shared_ptr<ServiceConfig> config_of(const ServiceType& type, const Listen& wanted) {
  auto config = std::make_shared<ServiceConfig>();
  config->name = wanted.name.empty() ? std::string(type.name) : wanted.name;
  config->limits = wanted.limits;
  config->timeouts = wanted.timeouts;
  return config;
}

}  // namespace weir
