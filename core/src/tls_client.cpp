#include "tls_client.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <vector>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <weir/address.hpp>

#include "tls_context.hpp"
#include "tls_load.hpp"
#include "tls_server.hpp"
#include "tls_sessions.hpp"
#include "tls_verify.hpp"

namespace weir {

namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t kContextsMost = 64;
constexpr std::size_t kTargetsMost = 256;
constexpr std::size_t kServersMost = 64;
constexpr std::chrono::seconds kLook{1};  // Between two looks at the same files.

// The system's authorities, read once: they are many. Null if there is no memory.
X509_STORE* system_authorities() {
  static X509_STORE* const store = [] {
    X509_STORE* const made = X509_STORE_new();
    if (made != nullptr) X509_STORE_set_default_paths(made);
    ERR_clear_error();
    return made;
  }();
  return store;
}

// All that is read from files for a set of options, whatever the target.
struct ClientContext {
  SslContext context;
  std::vector<FileStamp> stamps;

  bool changed() const { return std::any_of(stamps.begin(), stamps.end(), has_changed); }
};

void set_authorities(SSL_CTX* context, const TlsDialOptions& options, LoadLog& log) {
  if (!options.verify) return verify_peers(context, SSL_VERIFY_NONE);
  verify_peers(context, SSL_VERIFY_PEER);
  if (options.ca.empty() && options.crl.empty()) {
    SSL_CTX_set1_cert_store(context, system_authorities());
    return;
  }
  const Authorities trusted = load_authorities(options.ca, options.crl, log);
  SSL_CTX_set1_cert_store(context, trusted.store.get());
}

std::shared_ptr<const ClientContext> load_context(const TlsDialOptions& options) {
  const auto made = std::make_shared<ClientContext>();
  LoadLog log;
  made->context = make_context(TLS_client_method(), options.rules);
  SSL_CTX* const context = made->context.get();
  set_authorities(context, options, log);
  if (options.pair) {
    use_pair(context, load_pair(*options.pair, options.passphrase, Expired::warn, log));
  }
  const std::string alpn = alpn_wire(options.rules.alpn);
  SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(alpn.data()),
                          static_cast<unsigned>(alpn.size()));
  keep_sessions(context);
  made->stamps = std::move(log.stamps);
  ERR_clear_error();
  return made;
}

class Dialler final : public TlsSource {
 public:
  Dialler(std::shared_ptr<const ClientContext> context, const TlsDialOptions& options)
      : context_(std::move(context)),
        name_(options.name),
        is_address_(Address::parse(options.name, 0).has_value()),
        verify_(options.verify),
        keeps_(options.tickets) {}

  bool serves() const override { return false; }

  SSL* make() override {
    SslHandle ssl(SSL_new(context_->context.get()));
    if (!ssl || !set_name(ssl.get()) || (keeps_ && !take_up_session(ssl.get(), sessions_))) {
      ERR_clear_error();
      return nullptr;
    }
    SSL_set_connect_state(ssl.get());
    return ssl.release();
  }

  const std::shared_ptr<const ClientContext>& context() const { return context_; }

 private:
  // An address stands in certificates as one, and never in SNI.
  bool set_name(SSL* ssl) const {
    if (name_.empty()) return true;
    if (!is_address_ && SSL_set_tlsext_host_name(ssl, name_.c_str()) != 1) return false;
    if (!verify_) return true;
    X509_VERIFY_PARAM* const asked = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(
        asked, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return is_address_ ? X509_VERIFY_PARAM_set1_ip_asc(asked, name_.c_str()) == 1
                       : X509_VERIFY_PARAM_set1_host(asked, name_.data(), name_.size()) == 1;
  }

  const std::shared_ptr<const ClientContext> context_;
  const std::string name_;
  const bool is_address_;
  const bool verify_;
  const bool keeps_;
  const std::shared_ptr<TlsSessions> sessions_ = std::make_shared<TlsSessions>();
};

// Values by their options; of too many the one that was longest unused goes.
template <class Options, class Value>
class Kept {
 public:
  explicit Kept(std::size_t most) : most_(most) {}

  Value* find(const Options& options) {
    const auto found = all_.find(options);
    if (found == all_.end()) return nullptr;
    found->second.used = ++clock_;
    return &found->second.value;
  }

  Value& put(const Options& options, Value value) {
    if (all_.size() >= most_ && !all_.contains(options)) {
      all_.erase(std::min_element(all_.begin(), all_.end(), [](const auto& one, const auto& other) {
        return one.second.used < other.second.used;
      }));
    }
    Entry& entry = all_[options];
    entry = {std::move(value), ++clock_};
    return entry.value;
  }

 private:
  struct Entry {
    Value value;
    std::uint64_t used = 0;
  };

  std::size_t most_;
  std::uint64_t clock_ = 0;
  std::map<Options, Entry> all_;
};

class Registry {
 public:
  std::shared_ptr<TlsSource> dial(const TlsDialOptions& options, Steady::time_point now) {
    const std::lock_guard lock(mutex_);
    const auto& context = context_for(options, now);
    std::shared_ptr<Dialler>* const known = diallers_.find(options);
    if (known != nullptr && (*known)->context() == context) return *known;
    return diallers_.put(options, std::make_shared<Dialler>(context, options));
  }

  std::shared_ptr<TlsSource> serve(const TlsListenOptions& options, Steady::time_point now) {
    const std::lock_guard lock(mutex_);
    Looked<std::shared_ptr<TlsServer>>* const known = servers_.find(options);
    if (known == nullptr) return servers_.put(options, {TlsServer::open(options), now}).value;
    if (is_due(known->looked, now) && known->value->changed()) {
      keep_old([&] { known->value->use(known->value->load()); });
    }
    return known->value;
  }

 private:
  template <class Value>
  struct Looked {
    Value value;
    Steady::time_point looked;
  };

  static bool is_due(Steady::time_point& looked, Steady::time_point now) {
    if (now - looked < kLook) return false;
    looked = now;
    return true;
  }

  // Files are replaced one after another; until they fit together what was read before is good.
  template <class Load>
  static void keep_old(Load load) {
    try {
      load();
    } catch (const SetupError&) {
    }
  }

  const std::shared_ptr<const ClientContext>& context_for(const TlsDialOptions& options,
                                                          Steady::time_point now) {
    TlsDialOptions plain = options;
    plain.target.clear();
    plain.name.clear();
    auto* const known = contexts_.find(plain);
    if (known == nullptr) return contexts_.put(plain, {load_context(plain), now}).value;
    if (is_due(known->looked, now) && known->value->changed()) {
      keep_old([&] { known->value = load_context(plain); });
    }
    return known->value;
  }

  std::mutex mutex_;
  Kept<TlsDialOptions, Looked<std::shared_ptr<const ClientContext>>> contexts_{kContextsMost};
  Kept<TlsDialOptions, std::shared_ptr<Dialler>> diallers_{kTargetsMost};
  Kept<TlsListenOptions, Looked<std::shared_ptr<TlsServer>>> servers_{kServersMost};
};

// Never destroyed: connections may end after everything static has.
Registry& registry() {
  static Registry& only = *new Registry;
  return only;
}

}  // namespace

std::shared_ptr<TlsSource> tls_dial(const TlsDialOptions& options,
                                    std::chrono::steady_clock::time_point now) {
  return registry().dial(options, now);
}

std::shared_ptr<TlsSource> tls_upgrade(const TlsOptions& options) {
  const auto now = Steady::now();
  if (options.role == TlsOptions::Role::client) {
    return registry().dial(tls_dial_options(options), now);
  }
  return registry().serve(tls_listen_options(options), now);
}

}  // namespace weir
