// Listening: what a service is made of before any loop has it.
#include <map>

#include "server_body.hpp"
#include "url_query.hpp"

namespace weir {

// The URLs with what their queries say of the socket; the same one twice, as with port 0, is told apart by a number.
std::vector<std::string> keys_of(const std::vector<Url>& at) {
  std::vector<std::string> keys;
  std::map<std::string, int> seen;
  for (const Url& url : at) {
    std::string key = url.text();
    for (const Url::Query& each : url.query()) {
      if (!is_tls_key(each.key)) key += " " + each.key + "=" + each.value;
    }
    const int before = seen[key]++;
    keys.push_back(before == 0 ? key : key + " " + std::to_string(before));
  }
  return keys;
}

std::vector<Listening> bind_all(const std::vector<Url>& at, const std::vector<std::string>& keys) {
  std::vector<Listening> all;
  std::vector<std::shared_ptr<TlsServer>> tls;  // All of it before anything is bound.
  for (const Url& url : at) tls.push_back(tls_listener(url));
  for (std::size_t i = 0; i < at.size(); ++i) {
    for (BoundSocket& socket : bind_url(at[i])) {
      Url place = socket.place();
      all.push_back({keys[i], std::move(socket), std::move(place), nullptr});
      all.back().tls = tls[i];
      all.back().tls_keys = tls_keys(at[i]);
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
