#include "tls_material.hpp"

#include <algorithm>
#include <map>
#include <new>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <weir/text.hpp>

#include "tls_context.hpp"
#include "tls_load.hpp"
#include "tls_names.hpp"
#include "tls_verify.hpp"

namespace weir {

namespace {

constexpr long kSessionsMost = 1024;  // Of those whose client takes no tickets.

// What the callbacks of a context need; it lives as long as the context, and so as long as the last
// connection that was made from it.
struct Attached {
  std::shared_ptr<TicketRing> tickets;
  std::shared_ptr<const std::string> alpn;  // As it is sent.
  NameTable names;                          // These three for the default context only.
  std::map<NameTable::Numbers, SslContext> contexts;
  NameTable::Numbers ours;
};

void free_attached(void*, void* attached, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<Attached*>(attached);
}

int attached_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_attached);
  return index;
}

Attached* attached_to(const SSL_CTX* context) {
  return static_cast<Attached*>(SSL_CTX_get_ex_data(context, attached_index()));
}

// Of TLS 1.3 each ticket is for one use, so who comes with one gets another.
int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
              EVP_MAC_CTX* mac, int sealing) {
  constexpr int kGood = 1;
  constexpr int kRenew = 2;
  TicketRing& tickets = *attached_to(SSL_get_SSL_CTX(ssl))->tickets;
  try {
    if (sealing == 1) return tickets.seal(name, iv, cipher, mac);
    const int result = tickets.open(name, iv, cipher, mac);
    return result == kGood && SSL_version(ssl) == TLS1_3_VERSION ? kRenew : result;
  } catch (const std::bad_alloc&) {  // No exception may cross OpenSSL, here as below.
    return -1;
  }
}

// The default context's connections look for a better one; what SNI cannot choose stays there.
int on_server_name(SSL* ssl, int*, void* attached) {
  const auto& own = *static_cast<const Attached*>(attached);
  const char* const host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (host == nullptr) return SSL_TLSEXT_ERR_NOACK;
  try {
    const NameTable::Numbers* const numbers = own.names.find(host);
    if (numbers == nullptr) return SSL_TLSEXT_ERR_NOACK;
    const auto chosen = own.contexts.find(*numbers);
    if (chosen != own.contexts.end()) SSL_set_SSL_CTX(ssl, chosen->second.get());
    return SSL_TLSEXT_ERR_OK;
  } catch (const std::bad_alloc&) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
}

// The next name of a list as ALPN sends it; empty at its end, or where it is cut.
std::string_view take_name(std::string_view& wire) {
  if (wire.empty()) return {};
  const std::size_t size = static_cast<unsigned char>(wire.front());
  wire.remove_prefix(1);
  const std::string_view name = wire.substr(0, size);
  wire.remove_prefix(name.size());
  return name.size() == size ? name : std::string_view();
}

bool offers(std::string_view wire, std::string_view wanted) {
  for (auto name = take_name(wire); !name.empty(); name = take_name(wire)) {
    if (name == wanted) return true;
  }
  return false;
}

int on_alpn(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
            unsigned int length, void* ours) {
  const std::string_view theirs(reinterpret_cast<const char*>(offered), length);
  std::string_view wire = *static_cast<const std::string*>(ours);
  for (auto name = take_name(wire); !name.empty(); name = take_name(wire)) {
    if (!offers(theirs, name)) continue;
    *chosen = reinterpret_cast<const unsigned char*>(name.data());
    *size = static_cast<unsigned char>(name.size());
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

std::array<unsigned char, 32> digest_of(const std::string& text) {
  std::array<unsigned char, 32> digest{};
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  return digest;
}

// What all contexts of a listener have in common.
struct Shared {
  const TlsListenOptions& options;
  const std::array<unsigned char, 32>& policy;
  std::shared_ptr<TicketRing> tickets;
  std::shared_ptr<const std::string> alpn;
  const Authorities& clients;
};

void set_verification(SSL_CTX* context, const Shared& shared) {
  X509_STORE* const store = shared.clients.store.get();
  if (store == nullptr) return;
  SSL_CTX_set1_cert_store(context, store);
  const int must = shared.options.client_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
  verify_peers(context, SSL_VERIFY_PEER | must);
  STACK_OF(X509)* const all = X509_STORE_get1_all_certs(store);
  for (int i = 0; i < sk_X509_num(all); ++i) {
    SSL_CTX_add_client_CA(context, sk_X509_value(all, i));
  }
  sk_X509_pop_free(all, X509_free);
}

void set_sessions(SSL_CTX* context, const Shared& shared) {
  SSL_CTX_set_session_id_context(context, shared.policy.data(),
                                 static_cast<unsigned>(shared.policy.size()));
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
  SSL_CTX_sess_set_cache_size(context, kSessionsMost);
  if (!shared.options.tickets) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    return;
  }
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
}

SslContext make_server_context(const Shared& shared, const std::vector<LoadedPair>& pairs,
                               const NameTable::Numbers& numbers) {
  SslContext owned = make_context(TLS_server_method(), shared.options.rules);
  SSL_CTX* const context = owned.get();
  auto attached = std::make_unique<Attached>();
  attached->tickets = shared.tickets;
  attached->alpn = shared.alpn;
  attached->ours = numbers;
  SSL_CTX_set_ex_data(context, attached_index(), attached.get());
  const Attached* const kept = attached.release();
  for (const std::size_t number : numbers) use_pair(context, pairs[number]);
  set_verification(context, shared);
  set_sessions(context, shared);
  if (!kept->alpn->empty()) {
    SSL_CTX_set_alpn_select_cb(context, on_alpn, const_cast<std::string*>(kept->alpn.get()));
  }
  return owned;
}

// Of each type of key the first is used, so that a client which knows only one of them is served.
void add_type(NameTable::Numbers& numbers, const std::vector<LoadedPair>& pairs,
              std::size_t number) {
  const bool have = std::any_of(numbers.begin(), numbers.end(), [&](std::size_t other) {
    return pairs[other].type == pairs[number].type;
  });
  if (!have) numbers.push_back(number);
}

// The first pair and those of other types that are for the same names.
NameTable::Numbers defaults_of(const std::vector<LoadedPair>& pairs) {
  NameTable::Numbers numbers;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (pairs[i].about.names == pairs.front().about.names) add_type(numbers, pairs, i);
  }
  return numbers;
}

NameTable table_of(const std::vector<LoadedPair>& pairs) {
  NameTable every;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    for (const std::string& name : pairs[i].about.names) every.add(name, i);
  }
  NameTable table;
  for (const auto& [name, numbers] : every.all()) {
    NameTable::Numbers chosen;
    for (const std::size_t number : numbers) add_type(chosen, pairs, number);
    for (const std::size_t number : chosen) table.add(name, number);
  }
  return table;
}

void warn_of_unchosen(const std::vector<LoadedPair>& pairs, const Attached& attached,
                      std::vector<std::string>& warnings) {
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto has = [&](const NameTable::Numbers& numbers) {
      return std::find(numbers.begin(), numbers.end(), i) != numbers.end();
    };
    const auto& all = attached.names.all();
    const bool chosen =
        has(attached.ours) ||
        std::any_of(all.begin(), all.end(), [&](const auto& one) { return has(one.second); });
    if (!chosen) {
      warnings.push_back("certificate " + pairs[i].about.file +
                         " is never shown: those before it have its names");
    }
  }
}

// What every client would refuse, and nobody here but they would notice.
void warn_of_refused(const LoadedPair& pair, std::vector<std::string>& warnings) {
  const std::string which = "certificate " + pair.about.file;
  if (alternative_names_of(pair.leaf.get()).empty()) {
    warnings.push_back(which + " has no alternative names, and a common name counts for nothing");
  }
  if (X509_check_purpose(pair.leaf.get(), X509_PURPOSE_SSL_SERVER, 0) != 1) {
    warnings.push_back(which + " is not for servers, by its key usage");
  }
}

}  // namespace

std::shared_ptr<const TlsMaterial> TlsMaterial::load(const TlsListenOptions& options,
                                                     const TlsMaterial* before) {
  LoadLog log;
  std::vector<LoadedPair> pairs;
  const Expired expired = options.refuse_expired ? Expired::refuse : Expired::warn;
  for (const TlsPair& files : options.pairs) {
    pairs.push_back(load_pair(files, options.passphrase, expired, log));
    warn_of_refused(pairs.back(), log.warnings);
  }
  Authorities clients;
  if (!options.client_ca.empty()) clients = load_authorities(options.client_ca, options.crl, log);

  const std::shared_ptr<TlsMaterial> made(new TlsMaterial);
  made->policy_ = digest_of((options.client_required ? "required " : "optional ") + clients.text);
  const bool same_policy = before != nullptr && before->policy_ == made->policy_;
  made->tickets_ = same_policy ? before->tickets_ : std::make_shared<TicketRing>();
  const Shared shared{options, made->policy_, made->tickets_,
                      std::make_shared<const std::string>(alpn_wire(options.rules.alpn)), clients};
  made->context_ = make_server_context(shared, pairs, defaults_of(pairs));
  Attached& attached = *attached_to(made->context_.get());
  attached.names = table_of(pairs);
  for (const auto& [name, numbers] : attached.names.all()) {
    if (numbers == attached.ours || attached.contexts.contains(numbers)) continue;
    attached.contexts.emplace(numbers, make_server_context(shared, pairs, numbers));
  }
  SSL_CTX_set_tlsext_servername_callback(made->context_.get(), on_server_name);
  SSL_CTX_set_tlsext_servername_arg(made->context_.get(), &attached);
  warn_of_unchosen(pairs, attached, log.warnings);
  for (LoadedPair& pair : pairs) made->certificates_.push_back(std::move(pair.about));
  made->stamps_ = std::move(log.stamps);
  made->warnings_ = std::move(log.warnings);
  ERR_clear_error();
  return made;
}

SSL* TlsMaterial::make() const {
  SSL* const ssl = SSL_new(context_.get());
  if (ssl == nullptr) {
    ERR_clear_error();
    return nullptr;
  }
  SSL_set_accept_state(ssl);
  return ssl;
}

bool TlsMaterial::changed() const {
  return std::any_of(stamps_.begin(), stamps_.end(), has_changed);
}

}  // namespace weir
