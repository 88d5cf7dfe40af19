#include "tls_options.hpp"

#include <algorithm>
#include <initializer_list>

#include <weir/address.hpp>
#include <weir/text.hpp>

#include "url_query.hpp"

namespace weir {

namespace {

// Refuses keys of the other side: one that is read by nobody would be thought to protect something.
void refuse(const Url& url, std::string_view doing, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) {
    if (!url.value(key)) continue;
    throw SetupError("cannot " + std::string(doing) + ' ' + escape(url.text()) +
                     ": the query key " + std::string(key) + " is for " +
                     (doing == "listen on" ? "dialling" : "listening"));
  }
}

// The n-th key belongs to the n-th certificate; without one it is in the same file.
std::vector<TlsPair> pairs_of(const TlsSettings& settings, const std::string& failing) {
  if (settings.key.size() > settings.cert.size()) {
    throw SetupError(failing + ": a key= is given without its cert=");
  }
  std::vector<TlsPair> pairs;
  for (std::size_t i = 0; i < settings.cert.size(); ++i) {
    const std::string& file = settings.cert[i];
    pairs.push_back({file, i < settings.key.size() ? settings.key[i] : file});
  }
  return pairs;
}

// A dot in front would let every name below it pass.
void check_name(const std::string& name, const std::string& failing) {
  constexpr std::size_t kNameMost = 253;
  const auto is_good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  const bool good = name.size() <= kNameMost && !name.starts_with('.') &&
                    std::all_of(name.begin(), name.end(), is_good);
  if (good || Address::parse(name, 0)) return;
  throw SetupError(failing + ": \"" + escape(name, 100) +
                   "\" is no name in a certificate, expected a host or an address");
}

TlsRules rules_of(const TlsSettings& settings) {
  TlsRules rules;
  rules.alpn = settings.alpn;
  rules.only_13 = settings.tls_min == "1.3";
  rules.ciphers = settings.ciphers.value_or("");
  rules.suites = settings.suites.value_or("");
  rules.groups = settings.groups.value_or("");
  return rules;
}

// A name as it stands in a certificate and in SNI: no dot at its end, no interface behind an address.
std::string checked_name(const Url& url) {
  if (url.is_unix()) return {};
  std::string name = url.host().empty() ? "localhost" : url.host();
  if (name.ends_with('.')) name.pop_back();
  return name.substr(0, name.find('%'));
}

// What to begin with for a handler's options, which name the same things in other words.
TlsRules rules_of(const TlsOptions& options) {
  TlsRules rules;
  rules.alpn = options.alpn;
  for (const std::string& name : rules.alpn) {
    if (name.empty() || name.size() > 255) {
      throw SetupError("cannot start TLS: an ALPN name must have 1 to 255 bytes");
    }
  }
  return rules;
}

}  // namespace

TlsListenOptions tls_listen_options(const Url& url) {
  const std::string failing = "cannot listen on " + escape(url.text());
  refuse(url, "listen on", {"ca", "name", "verify"});
  const TlsSettings settings = socket_settings(url).tls;
  TlsListenOptions options;
  options.pairs = pairs_of(settings, failing);
  if (options.pairs.empty()) {
    throw SetupError(failing + ": TLS needs a certificate, expected cert=FILE and key=FILE");
  }
  options.passphrase = settings.passphrase.value_or("");
  options.client_ca = settings.client_ca.value_or("");
  options.client_required = settings.client_cert != "optional";
  options.crl = settings.crl.value_or("");
  if (options.client_ca.empty() && (settings.client_cert || settings.crl)) {
    throw SetupError(failing + ": " + (settings.crl ? "crl" : "client-cert") +
                     " says nothing without client-ca=FILE");
  }
  options.tickets = settings.tickets.value_or(true);
  options.refuse_expired = settings.expired == "refuse";
  options.rules = rules_of(settings);
  return options;
}

TlsDialOptions tls_dial_options(const Url& url) {
  const std::string failing = "cannot connect to " + escape(url.text());
  refuse(url, "connect to", {"client-ca", "client-cert", "expired"});
  const TlsSettings settings = socket_settings(url).tls;
  TlsDialOptions options;
  options.target = url.text();
  options.name = settings.name.value_or(checked_name(url));
  options.verify = settings.verify.value_or(true);
  if (options.verify && options.name.empty()) {
    throw SetupError(failing + ": which name is in its certificate? expected name=NAME");
  }
  check_name(options.name, failing);
  options.ca = settings.ca.value_or("");
  const std::vector<TlsPair> pairs = pairs_of(settings, failing);
  if (pairs.size() > 1) throw SetupError(failing + ": one certificate can be shown, not several");
  if (!pairs.empty()) options.pair = pairs.front();
  options.passphrase = settings.passphrase.value_or("");
  options.crl = settings.crl.value_or("");
  options.tickets = settings.tickets.value_or(true);
  options.rules = rules_of(settings);
  return options;
}

TlsListenOptions tls_listen_options(const TlsOptions& options) {
  if (options.certificate.empty()) {
    throw SetupError("cannot start TLS: a server needs a certificate");
  }
  TlsListenOptions listen;
  listen.pairs = {{options.certificate, options.key.empty() ? options.certificate : options.key}};
  listen.passphrase = options.passphrase;
  listen.client_ca = options.ca;
  listen.client_required = options.verify_peer;
  listen.crl = options.crl;
  listen.rules = rules_of(options);
  return listen;
}

TlsDialOptions tls_dial_options(const TlsOptions& options) {
  if (options.verify_peer && options.server_name.empty()) {
    throw SetupError("cannot start TLS: a client that verifies needs the server's name");
  }
  check_name(options.server_name, "cannot start TLS");
  TlsDialOptions dial;
  dial.target = options.server_name;
  dial.name = options.server_name;
  dial.verify = options.verify_peer;
  dial.ca = options.ca;
  if (!options.certificate.empty()) {
    dial.pair = {options.certificate, options.key.empty() ? options.certificate : options.key};
  }
  dial.passphrase = options.passphrase;
  dial.crl = options.crl;
  dial.rules = rules_of(options);
  return dial;
}

}  // namespace weir
