// One end of TLS over two memory BIOs.
#include <stdexcept>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <weir/testing_tls.hpp>

#include "tls_handle.hpp"

namespace weir::testing {

namespace {

constexpr std::size_t kHead = 5;  // Type, version and size of a record.

void must(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string("testing: TLS: ") + what);
}

std::string last_error() {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  return reason != nullptr ? reason : "the bytes ended";
}

std::string text_of(const char* text) { return text != nullptr ? text : ""; }

}  // namespace

struct TlsEnd::Body {
  Body(Side at, const TlsPeer& how);

  void set_versions(Transport version);
  void set_certificate(const TlsPeer& how);
  void set_alpn(const std::vector<std::string>& names);
  void push(std::string_view bytes);
  void pump();
  bool done(int result);

  static SSL_CTX* context(Side side);
  static Body& of(const SSL* ssl) { return *static_cast<Body*>(SSL_get_app_data(ssl)); }
  static int on_session(SSL* ssl, SSL_SESSION* session);
  static void on_event(const SSL* ssl, int where, int value);
  static int choose(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned size, void* unused);

  const Side side;
  SslHandle ssl;
  BIO* in;                          // The ssl's own,
  BIO* out;                         // like this.
  std::vector<unsigned char> alpn;  // As they travel: each with its length in front.
  std::string record;               // What has come of one that is not whole.
  std::string plain;
  bool secured = false;
  bool settled = false;
  bool failed = false;
  bool said = false;   // Our own close_notify.
  bool heard = false;  // Any byte.
  bool notified = false;
  bool truncated = false;
  bool ended = false;
  std::string failure;
  std::string alert;
  std::string session;
};

// What all ends of a side share. Made once; where one differs, its own object is told.
SSL_CTX* TlsEnd::Body::context(Side side) {
  static const auto make = [](Side of) {
    SslContext made(SSL_CTX_new(of == Side::client ? TLS_client_method() : TLS_server_method()));
    must(made != nullptr, "there is no context");
    SSL_CTX* const context = made.get();
    const TlsFiles& files = tls_files();
    must(SSL_CTX_load_verify_file(context, files.ca.c_str()) == 1, "the authority is not taken");
    SSL_CTX_set_info_callback(context, &on_event);
    if (of == Side::client) {
      SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
      SSL_CTX_sess_set_new_cb(context, &on_session);
      return made;
    }
    static constexpr unsigned char kName[] = "kit";
    must(SSL_CTX_set_session_id_context(context, kName, sizeof kName) == 1, "no session context");
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(context, &choose, nullptr);
    return made;
  };
  static const SslContext client = make(Side::client);
  static const SslContext server = make(Side::server);
  return side == Side::client ? client.get() : server.get();
}

int TlsEnd::Body::on_session(SSL* ssl, SSL_SESSION* session) {
  unsigned char* der = nullptr;
  const int size = i2d_SSL_SESSION(session, &der);
  of(ssl).session.assign(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  of(ssl).settled = of(ssl).secured;
  return 0;  // It is not kept.
}

void TlsEnd::Body::on_event(const SSL* ssl, int where, int value) {
  const bool alerted = (where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT;
  if (!alerted || (value & 0xff) == SSL_AD_CLOSE_NOTIFY) return;
  of(ssl).alert = SSL_alert_desc_string_long(value);
}

int TlsEnd::Body::choose(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                         const unsigned char* in, unsigned size, void*) {
  const std::vector<unsigned char>& ours = of(ssl).alpn;
  if (ours.empty()) return SSL_TLSEXT_ERR_NOACK;
  unsigned char* chosen = nullptr;
  const auto our_size = static_cast<unsigned>(ours.size());
  const int found = SSL_select_next_proto(&chosen, out_size, ours.data(), our_size, in, size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

TlsEnd::Body::Body(Side at, const TlsPeer& how)
    : side(at), ssl(SSL_new(context(at))), in(BIO_new(BIO_s_mem())), out(BIO_new(BIO_s_mem())) {
  must(ssl != nullptr && in != nullptr && out != nullptr, "there is no memory");
  SSL_set_app_data(ssl.get(), this);
  BIO_set_mem_eof_return(in, -1);  // Empty is not the end.
  SSL_set_bio(ssl.get(), in, out);
  set_versions(how.version);
  set_certificate(how);
  set_alpn(how.alpn);
  const bool good =
      (how.ciphers.empty() || SSL_set_cipher_list(ssl.get(), how.ciphers.c_str()) == 1) &&
      (how.suites.empty() || SSL_set_ciphersuites(ssl.get(), how.suites.c_str()) == 1) &&
      (how.groups.empty() || SSL_set1_groups_list(ssl.get(), how.groups.c_str()) == 1);
  must(good, "no such cipher, suite or group");

  if (side == Side::server) {
    SSL_set_accept_state(ssl.get());
    SSL_set_num_tickets(ssl.get(), how.tickets ? 1 : 0);
    if (!how.tickets) SSL_set_options(ssl.get(), SSL_OP_NO_TICKET);
    if (how.asks) {
      SSL_set_verify(ssl.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    return;
  }
  SSL_set_connect_state(ssl.get());
  if (!how.server_name.empty()) {
    SSL_set_tlsext_host_name(ssl.get(), how.server_name.c_str());
    SSL_set1_host(ssl.get(), how.server_name.c_str());
  }
  if (how.verify) SSL_set_verify(ssl.get(), SSL_VERIFY_PEER, nullptr);
  if (!how.session.empty()) {
    const auto* der = reinterpret_cast<const unsigned char*>(how.session.data());
    const SslSession taken(d2i_SSL_SESSION(nullptr, &der, static_cast<long>(how.session.size())));
    must(taken != nullptr && SSL_set_session(ssl.get(), taken.get()) == 1, "not a session");
  }
  pump();
}

void TlsEnd::Body::set_versions(Transport version) {
  const int only = version == Transport::tls12 ? TLS1_2_VERSION : TLS1_3_VERSION;
  SSL_set_min_proto_version(ssl.get(), only);
  SSL_set_max_proto_version(ssl.get(), only);
}

void TlsEnd::Body::set_certificate(const TlsPeer& how) {
  std::string certificate = how.certificate;
  std::string key = how.key.empty() ? certificate : how.key;
  if (certificate.empty()) {
    if (side == Side::client) return;
    certificate = tls_files().certificate;
    key = tls_files().key;
  }
  const bool good = SSL_use_certificate_chain_file(ssl.get(), certificate.c_str()) == 1 &&
                    SSL_use_PrivateKey_file(ssl.get(), key.c_str(), SSL_FILETYPE_PEM) == 1;
  must(good, "the certificate or its key is not taken");
}

void TlsEnd::Body::set_alpn(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    alpn.push_back(static_cast<unsigned char>(name.size()));
    alpn.insert(alpn.end(), name.begin(), name.end());
  }
  if (side == Side::server || alpn.empty()) return;
  must(SSL_set_alpn_protos(ssl.get(), alpn.data(), static_cast<unsigned>(alpn.size())) == 0,
       "no such protocol");
}

void TlsEnd::Body::push(std::string_view bytes) {
  if (failed || bytes.empty()) return;
  if (notified) {
    failed = true;
    failure = "bytes came after close_notify";
    return;
  }
  heard = true;
  BIO_write(in, bytes.data(), static_cast<int>(bytes.size()));
  pump();
}

// Whether a call went well. If not, it wants more bytes, or all is over.
bool TlsEnd::Body::done(int result) {
  if (result == 1) return true;
  const int error = SSL_get_error(ssl.get(), result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return false;
  if (error == SSL_ERROR_ZERO_RETURN) {
    notified = true;
    return false;
  }
  failed = true;
  failure = last_error();
  ERR_clear_error();
  return false;
}

void TlsEnd::Body::pump() {
  ERR_clear_error();
  if (!secured) {
    secured = done(SSL_do_handshake(ssl.get()));
    if (!secured) return;
    // A ticket follows TLS 1.3's handshake, and is part of that of TLS 1.2.
    settled = side == Side::server || SSL_version(ssl.get()) == TLS1_2_VERSION;
  }
  char piece[16 << 10];
  std::size_t got = 0;
  while (done(SSL_read_ex(ssl.get(), piece, sizeof piece, &got))) {
    plain.append(piece, got);
    settled = true;
  }
}

TlsEnd::TlsEnd(Side side, const TlsPeer& how) : body_(std::make_unique<Body>(side, how)) {}

// An end that is destroyed in mid-connection does not spoil its session.
TlsEnd::~TlsEnd() {
  if (body_ != nullptr) SSL_set_quiet_shutdown(body_->ssl.get(), 1);
}

TlsEnd::TlsEnd(TlsEnd&& other) noexcept = default;

std::size_t TlsEnd::feed(std::string_view bytes) {
  std::string& record = body_->record;
  std::size_t used = 0;
  const auto take = [&](std::size_t up_to) {
    if (record.size() >= up_to) return;
    const std::size_t size = std::min(up_to - record.size(), bytes.size() - used);
    record.append(bytes, used, size);
    used += size;
  };
  take(kHead);
  if (record.size() < kHead) return used;
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(record[at]); };
  const std::size_t whole = kHead + (std::size_t{byte(3)} << 8) + byte(4);
  take(whole);
  if (record.size() == whole) body_->push(std::exchange(record, {}));
  return used;
}

void TlsEnd::eof() {
  body_->push(std::exchange(body_->record, {}));
  body_->truncated = body_->heard && !body_->notified;
  body_->ended = !body_->truncated && !body_->failed;
}

std::string TlsEnd::ciphertext() {
  char* data = nullptr;
  const long size = BIO_get_mem_data(body_->out, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_reset(body_->out);
  return text;
}

void TlsEnd::write(std::string_view text) {
  if (body_->failed || body_->said || text.empty()) return;
  must(body_->secured, "nothing can be written before the handshake is done");
  ERR_clear_error();
  std::size_t written = 0;
  must(SSL_write_ex(body_->ssl.get(), text.data(), text.size(), &written) == 1 &&
           written == text.size(),
       "a write failed");
}

void TlsEnd::notify() {
  if (!body_->secured || body_->failed || std::exchange(body_->said, true)) return;
  ERR_clear_error();
  SSL_shutdown(body_->ssl.get());
}

void TlsEnd::update_keys(bool both) {
  const int kind = both ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED;
  must(SSL_key_update(body_->ssl.get(), kind) == 1, "keys cannot be updated");
  SSL_do_handshake(body_->ssl.get());
}

void TlsEnd::renegotiate() {
  must(SSL_renegotiate(body_->ssl.get()) == 1, "it cannot renegotiate");
  SSL_do_handshake(body_->ssl.get());
}

std::string TlsEnd::take() { return std::exchange(body_->plain, {}); }
bool TlsEnd::secured() const { return body_->secured; }
bool TlsEnd::settled() const { return body_->settled; }
void TlsEnd::settle() { body_->settled = true; }
bool TlsEnd::failed() const { return body_->failed; }
bool TlsEnd::notified() const { return body_->notified; }
bool TlsEnd::ended() const { return body_->ended; }
bool TlsEnd::truncated() const { return body_->truncated; }
const std::string& TlsEnd::failure() const { return body_->failure; }
const std::string& TlsEnd::alert() const { return body_->alert; }
const std::string& TlsEnd::session() const { return body_->session; }

TlsInfo TlsEnd::info() const {
  TlsInfo info;
  SSL* const ssl = body_->ssl.get();
  info.version = SSL_get_version(ssl);
  info.cipher = text_of(SSL_get_cipher_name(ssl));
  info.server_name = text_of(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
  const unsigned char* alpn = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &alpn, &size);
  info.alpn.assign(reinterpret_cast<const char*>(alpn), size);
  info.resumed = SSL_session_reused(ssl) == 1;
  if (X509* const shown = SSL_get0_peer_certificate(ssl)) {
    char subject[256];
    info.peer_certificate =
        X509_NAME_oneline(X509_get_subject_name(shown), subject, sizeof subject);
  }
  return info;
}

}  // namespace weir::testing
