#include "tls_context.hpp"

#include <functional>
#include <set>
#include <string_view>

#include <openssl/err.h>

#include <weir/text.hpp>

namespace weir {

namespace {

// Authenticated encryption with keys that are forgotten afterwards, and nothing else.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kSuites =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
const std::string kGroups = "X25519:P-256:P-384";

// Short, because each connection keeps what both sides know of it.
constexpr const char* kSignatures =
    "ecdsa_secp256r1_sha256:ed25519:rsa_pss_rsae_sha256:ecdsa_secp384r1_sha384:"
    "rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:rsa_pss_pss_sha256:ecdsa_secp521r1_sha512:"
    "rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512";

constexpr int kSecurityLevel = 2;    // 112 bits: RSA from 2,048, no SHA-1.
constexpr long kChainMost = 65'536;  // Bytes of a peer's certificates.
constexpr int kDepthMost = 8;        // Authorities between a peer and whom we trust.
constexpr long kSessionSeconds = 7200;

constexpr std::uint64_t kSet = SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE |
                               SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION;
// The system's own configuration may have set these. A FIN alone would pass for an end.
constexpr std::uint64_t kUnset =
    SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION |
    SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_ALLOW_CLIENT_RENEGOTIATION | SSL_OP_ALLOW_NO_DHE_KEX |
    SSL_OP_NO_TICKET | SSL_OP_NO_TLSv1_3 | SSL_OP_NO_TLSv1_2;

[[noreturn]] void fail(const std::string& sentence) {
  ERR_clear_error();
  throw SetupError("cannot set up TLS: " + sentence);
}

template <class Each>
void for_each_word(std::string_view list, Each each) {
  for (bool more = true; more;) {
    const std::size_t end = list.find(':');
    more = end != std::string_view::npos;
    each(std::string(list.substr(0, end)));
    if (more) list.remove_prefix(end + 1);
  }
}

[[noreturn]] void fail_word(std::string_view what, const std::string& word) {
  fail("there is no " + std::string(what) + " \"" + escape(word, 100) + "\" that can be used");
}

using CipherNames = std::set<std::string, std::less<>>;

// What a handshake could choose, by OpenSSL's names.
CipherNames usable_ciphers(SSL_CTX* context) {
  CipherNames names;
  const SslHandle ssl(SSL_new(context));
  STACK_OF(SSL_CIPHER)* const all = ssl ? SSL_get1_supported_ciphers(ssl.get()) : nullptr;
  for (int i = 0; i < sk_SSL_CIPHER_num(all); ++i) {
    names.emplace(SSL_CIPHER_get_name(sk_SSL_CIPHER_value(all, i)));
  }
  sk_SSL_CIPHER_free(all);
  return names;
}

// OpenSSL passes over words it does not know as long as it knows one, and over those that it knows
// and will not use. Words for many ciphers at once are refused: what they mean changes.
void check_ciphers(SSL_CTX* context, const TlsRules& rules) {
  if (rules.ciphers.empty() && rules.suites.empty()) return;
  const CipherNames usable = usable_ciphers(context);
  const auto check = [&](std::string_view what, const std::string& list) {
    if (list.empty()) return;
    for_each_word(list, [&](const std::string& word) {
      if (!usable.contains(word)) fail_word(what, word);
    });
  };
  check("cipher of TLS 1.2", rules.ciphers);
  check("suite of TLS 1.3", rules.suites);
}

void set_ciphers(SSL_CTX* context, const TlsRules& rules) {
  const std::string ciphers = rules.ciphers.empty() ? kCiphers : rules.ciphers;
  const std::string suites = rules.suites.empty() ? kSuites : rules.suites;
  if (SSL_CTX_set_cipher_list(context, ciphers.c_str()) != 1) {
    fail_word("cipher of TLS 1.2", ciphers);
  }
  if (SSL_CTX_set_ciphersuites(context, suites.c_str()) != 1) fail_word("suite of TLS 1.3", suites);
  check_ciphers(context, rules);
}

void set_groups(SSL_CTX* context, const std::string& groups) {
  if (!groups.empty()) {
    for_each_word(groups, [&](const std::string& word) {
      if (SSL_CTX_set1_groups_list(context, word.c_str()) != 1) fail_word("group", word);
    });
  }
  const std::string& list = groups.empty() ? kGroups : groups;
  if (SSL_CTX_set1_groups_list(context, list.c_str()) != 1) fail_word("group", list);
}

}  // namespace

std::string alpn_wire(const std::vector<std::string>& names) {
  std::string wire;
  for (const std::string& name : names) wire += static_cast<char>(name.size()) + name;
  return wire;
}

SslContext make_context(const SSL_METHOD* method, const TlsRules& rules) {
  SslContext owned(SSL_CTX_new(method));
  SSL_CTX* const context = owned.get();
  if (context == nullptr) fail("there is no memory for it");
  SSL_CTX_clear_options(context, kUnset);
  SSL_CTX_set_options(context, kSet);
  SSL_CTX_set_security_level(context, kSecurityLevel);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context, 0);
  set_ciphers(context, rules);
  set_groups(context, rules.groups);
  if (rules.only_13) SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  if (SSL_CTX_set1_sigalgs_list(context, kSignatures) != 1) fail("OpenSSL lacks a signature");
  // What an idle connection would keep is given back; and a write is offered again from elsewhere.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_max_cert_list(context, kChainMost);
  SSL_CTX_set_verify_depth(context, kDepthMost);
  SSL_CTX_set_timeout(context, kSessionSeconds);
  SSL_CTX_set_max_early_data(context, 0);
  return owned;
}

}  // namespace weir
