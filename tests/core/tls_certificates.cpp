#include "tls_certificates.hpp"

#include <atomic>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <stdexcept>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <weir/address.hpp>

#include "../../core/src/tls_handle.hpp"

namespace weir::testing {

namespace {

using std::chrono::seconds;
using NameHandle = std::unique_ptr<X509_NAME, Freed<X509_NAME_free>>;
using TimeHandle = std::unique_ptr<ASN1_TIME, Freed<ASN1_TIME_free>>;

void check(bool good) {
  if (!good) throw std::runtime_error("a certificate for the test could not be made");
}

KeyHandle make_key(KeyKind kind) {
  switch (kind) {
    case KeyKind::ecdsa:
      return KeyHandle(EVP_EC_gen("P-256"));
    case KeyKind::rsa:
      return KeyHandle(EVP_RSA_gen(2048));
    case KeyKind::rsa_1024:
      return KeyHandle(EVP_RSA_gen(1024));
    case KeyKind::ed25519:
      return KeyHandle(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  }
  return nullptr;
}

const EVP_MD* digest_for(EVP_PKEY* key) {
  return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
}

NameHandle name_of(const std::string& common_name) {
  NameHandle name(X509_NAME_new());
  const auto* const text = reinterpret_cast<const unsigned char*>(common_name.data());
  check(X509_NAME_add_entry_by_NID(name.get(), NID_commonName, MBSTRING_UTF8, text,
                                   static_cast<int>(common_name.size()), -1, 0) == 1);
  return name;
}

TimeHandle time_in(seconds from_now) {
  return TimeHandle(ASN1_TIME_set(nullptr, std::time(nullptr) + from_now.count()));
}

void extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  check(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

std::string alternatives(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    const bool is_address = Address::parse(name, 0).has_value();
    text += (text.empty() ? "" : ",") + std::string(is_address ? "IP:" : "DNS:") + name;
  }
  return text;
}

// A bare certificate: all but what it may be used for and the signature.
CertificateHandle make(const std::string& common_name, EVP_PKEY* key, X509_NAME* issuer,
                       seconds from, seconds until) {
  static std::atomic<long> last_serial{std::time(nullptr) << 16};
  CertificateHandle made(X509_new());
  X509* const certificate = made.get();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++last_serial);
  X509_set_subject_name(certificate, name_of(common_name).get());
  X509_set_issuer_name(certificate, issuer);
  X509_set1_notBefore(certificate, time_in(from).get());
  X509_set1_notAfter(certificate, time_in(until).get());
  check(X509_set_pubkey(certificate, key) == 1);
  return made;
}

void extend_leaf(X509* certificate, X509* issuer, const Wanted& wanted) {
  extend(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE");
  if (!wanted.names.empty()) {
    extend(certificate, issuer, NID_subject_alt_name, alternatives(wanted.names));
  }
  if (wanted.purpose == Purpose::any) return;
  extend(certificate, issuer, NID_ext_key_usage,
         wanted.purpose == Purpose::server ? "serverAuth" : "clientAuth");
}

std::string text_of(BIO* out) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem(X509* certificate) {
  const BioHandle out(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_X509(out.get(), certificate) == 1);
  return text_of(out.get());
}

std::string pem(EVP_PKEY* key) {
  const BioHandle out(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return text_of(out.get());
}

}  // namespace

struct Authority::Body {
  KeyHandle key;
  CertificateHandle certificate;
  std::string chain;  // What goes behind what this one issues.

  static std::unique_ptr<Body> make(const std::string& name, KeyKind kind, const Body* above) {
    auto body = std::make_unique<Body>();
    body->key = make_key(kind);
    const NameHandle own = name_of(name);
    X509_NAME* const issuer =
        above == nullptr ? own.get() : X509_get_subject_name(above->certificate.get());
    body->certificate = testing::make(name, body->key.get(), issuer, -std::chrono::hours(2),
                                      std::chrono::hours(24 * 3650));
    X509* const certificate = body->certificate.get();
    X509* const signer = above == nullptr ? certificate : above->certificate.get();
    extend(certificate, signer, NID_basic_constraints, "critical,CA:TRUE");
    extend(certificate, signer, NID_key_usage, "critical,keyCertSign,cRLSign");
    extend(certificate, signer, NID_subject_key_identifier, "hash");
    (above == nullptr ? *body : *above).sign(certificate);
    if (above != nullptr) body->chain = pem(certificate) + above->chain;
    return body;
  }

  void sign(X509* other) const { check(X509_sign(other, key.get(), digest_for(key.get())) > 0); }
};

Authority::Authority(const std::string& name, KeyKind key)
    : body_(Body::make(name, key, nullptr)) {}
Authority::Authority(std::unique_ptr<Body> body) : body_(std::move(body)) {}
Authority::~Authority() = default;
Authority::Authority(Authority&&) noexcept = default;

std::string Authority::certificate() const { return pem(body_->certificate.get()); }

Authority Authority::below(const std::string& name) const {
  return Authority(Body::make(name, KeyKind::ecdsa, body_.get()));
}

Issued Authority::issue(const Wanted& wanted) const {
  const KeyHandle key = make_key(wanted.key);
  X509* const issuer = body_->certificate.get();
  const CertificateHandle leaf =
      make(wanted.common_name, key.get(), X509_get_subject_name(issuer), wanted.from, wanted.until);
  extend_leaf(leaf.get(), issuer, wanted);
  body_->sign(leaf.get());
  return {pem(leaf.get()) + body_->chain, pem(key.get()),
          ASN1_INTEGER_get(X509_get0_serialNumber(leaf.get()))};
}

std::string Authority::revoke(const std::vector<long>& serials, seconds from, seconds until) const {
  const CrlHandle list(X509_CRL_new());
  X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(body_->certificate.get()));
  X509_CRL_set1_lastUpdate(list.get(), time_in(from).get());
  X509_CRL_set1_nextUpdate(list.get(), time_in(until).get());
  for (const long serial : serials) {
    X509_REVOKED* const entry = X509_REVOKED_new();
    ASN1_INTEGER* const number = ASN1_INTEGER_new();
    ASN1_INTEGER_set(number, serial);
    X509_REVOKED_set_serialNumber(entry, number);
    ASN1_INTEGER_free(number);
    X509_REVOKED_set_revocationDate(entry, time_in(from).get());
    X509_CRL_add0_revoked(list.get(), entry);
  }
  check(X509_CRL_sign(list.get(), body_->key.get(), digest_for(body_->key.get())) > 0);
  const BioHandle out(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_X509_CRL(out.get(), list.get()) == 1);
  return text_of(out.get());
}

Issued self_signed(const Wanted& wanted) {
  const KeyHandle key = make_key(wanted.key);
  const NameHandle issuer = name_of(wanted.common_name);
  const CertificateHandle leaf =
      make(wanted.common_name, key.get(), issuer.get(), wanted.from, wanted.until);
  extend_leaf(leaf.get(), leaf.get(), wanted);
  check(X509_sign(leaf.get(), key.get(), digest_for(key.get())) > 0);
  return {pem(leaf.get()), pem(key.get()), ASN1_INTEGER_get(X509_get0_serialNumber(leaf.get()))};
}

std::string encrypted(const std::string& key, const std::string& passphrase) {
  const BioHandle in(BIO_new_mem_buf(key.data(), static_cast<int>(key.size())));
  const KeyHandle plain(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  const BioHandle out(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_PKCS8PrivateKey(out.get(), plain.get(), EVP_aes_256_cbc(), passphrase.data(),
                                      static_cast<int>(passphrase.size()), nullptr, nullptr) == 1);
  return text_of(out.get());
}

Folder::Folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "weir-tls-XXXXXX").string();
  check(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string Folder::write(const std::string& name, const std::string& text, unsigned mode) const {
  std::string file = path(name);
  const std::string fresh = file + ".new";
  const int descriptor = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  check(descriptor >= 0);
  const ssize_t written = ::write(descriptor, text.data(), text.size());
  const bool good = written == static_cast<ssize_t>(text.size()) && ::fchmod(descriptor, mode) == 0;
  ::close(descriptor);
  check(good);
  std::filesystem::rename(fresh, file);
  return file;
}

std::string Folder::write(const std::string& name, const Issued& issued) const {
  write(name + ".key", issued.key);
  return write(name + ".pem", issued.certificate, 0644);
}

}  // namespace weir::testing
