// What TLS is to do at a listener or towards a target, as a URL or a handler says it. Files are named
// here, not opened.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <vector>

#include <weir/tls.hpp>
#include <weir/url.hpp>

namespace weir {

struct TlsPair {
  std::string certificate;  // PEM, the leaf first and then its chain.
  std::string key;          // May be the same file.

  auto operator<=>(const TlsPair&) const = default;
};

// Of both sides. What is empty is as tls_context.cpp has it.
struct TlsRules {
  std::vector<std::string> alpn;  // In our order of preference.
  bool only_13 = false;           // No TLS 1.2.
  std::string ciphers;            // Of TLS 1.2.
  std::string suites;             // Of TLS 1.3.
  std::string groups;

  auto operator<=>(const TlsRules&) const = default;
};

struct TlsListenOptions {
  std::vector<TlsPair> pairs;  // The first is for who names no name that we have.
  std::string passphrase;      // A file, whose first line opens encrypted keys.
  std::string client_ca;       // Empty: no certificate is asked for.
  bool client_required = true;
  std::string crl;  // Of the clients' certificates.
  bool tickets = true;
  bool refuse_expired = false;  // A certificate of ours, instead of a warning.
  TlsRules rules;

  auto operator<=>(const TlsListenOptions&) const = default;
};

struct TlsDialOptions {
  std::string target;  // Sessions are kept by it and all the rest.
  std::string name;    // That is checked, and sent unless it is an address.
  bool verify = true;
  std::string ca;               // Empty: the system's.
  std::optional<TlsPair> pair;  // Ours.
  std::string passphrase;       // Of its key.
  std::string crl;
  bool tickets = true;  // Sessions are kept and used again.
  TlsRules rules;

  auto operator<=>(const TlsDialOptions&) const = default;
};

// These throw SetupError, one sentence, for what can be told without opening a file.
WEIR_API TlsListenOptions tls_listen_options(const Url& url);
WEIR_API TlsDialOptions tls_dial_options(const Url& url);
WEIR_API TlsListenOptions tls_listen_options(const TlsOptions& options);
WEIR_API TlsDialOptions tls_dial_options(const TlsOptions& options);

}  // namespace weir
