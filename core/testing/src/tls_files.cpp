// An authority made in memory, what it issues, and the folder that holds it while the process lives.
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <weir/testing_tls.hpp>

#include "tls_handle.hpp"

namespace weir::testing {

namespace {

constexpr long kDay = 86'400;

void must(bool good) {
  if (!good) throw std::runtime_error("testing: a certificate could not be made");
}

// Signatures of Ed25519 are all of one length. So a handshake is, and a seed replays exactly.
KeyHandle make_key() { return KeyHandle(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")); }

void extend(X509* to, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
  must(extension != nullptr && X509_add_ext(to, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

CertificateHandle make_certificate(const char* name, long serial, EVP_PKEY* key, X509* issuer) {
  CertificateHandle made(X509_new());
  X509* const x = made.get();
  X509_set_version(x, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
  X509_gmtime_adj(X509_getm_notBefore(x), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(x), 90 * kDay);
  const auto* const text = reinterpret_cast<const unsigned char*>(name);
  must(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8, text, -1, -1, 0) ==
       1);
  X509_set_issuer_name(x, X509_get_subject_name(issuer == nullptr ? x : issuer));
  must(X509_set_pubkey(x, key) == 1);
  return made;
}

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "weir-testing-XXXXXX").string();
    must(::mkdtemp(name.data()) != nullptr);
    path_ = name;
    KeyHandle authority_key = make_key();
    CertificateHandle authority =
        make_certificate("Weir test kit", 1, authority_key.get(), nullptr);
    extend(authority.get(), authority.get(), NID_basic_constraints, "critical,CA:TRUE");
    extend(authority.get(), authority.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
    must(X509_sign(authority.get(), authority_key.get(), nullptr) > 0);
    files_.ca = write("ca.pem", authority.get(), nullptr);
    issue("localhost", 2, authority.get(), authority_key.get(), files_.certificate, files_.key);
    issue("client", 3, authority.get(), authority_key.get(), files_.client_certificate,
          files_.client_key);
  }

  // A child that was forked leaves it to its parent.
  ~Folder() {
    std::error_code ignored;
    if (::getpid() == owner_) std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const TlsFiles& files() const { return files_; }

 private:
  void issue(const std::string& name, long serial, X509* authority, EVP_PKEY* authority_key,
             std::string& certificate_file, std::string& key_file) {
    const bool serves = name == "localhost";
    KeyHandle key = make_key();
    CertificateHandle made = make_certificate(name.c_str(), serial, key.get(), authority);
    extend(made.get(), authority, NID_basic_constraints, "critical,CA:FALSE");
    extend(made.get(), authority, NID_ext_key_usage, serves ? "serverAuth" : "clientAuth");
    if (serves) {
      extend(made.get(), authority, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1");
    }
    must(X509_sign(made.get(), authority_key, nullptr) > 0);
    certificate_file = write(name + ".pem", made.get(), nullptr);
    key_file = write(name + ".key", nullptr, key.get());
  }

  std::string write(const std::string& name, X509* certificate, EVP_PKEY* key) const {
    std::string path = path_ + '/' + name;
    BioHandle out(BIO_new_file(path.c_str(), "w"));
    must(out != nullptr && ::chmod(path.c_str(), 0600) == 0);
    if (certificate != nullptr) must(PEM_write_bio_X509(out.get(), certificate) == 1);
    if (key != nullptr) {
      must(PEM_write_bio_PKCS8PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) ==
           1);
    }
    return path;
  }

  const pid_t owner_ = ::getpid();
  std::string path_;
  TlsFiles files_;
};

Url in_tls(const Url& url, const std::string& query) {
  const bool can = url.scheme() == Url::Scheme::tcp || url.scheme() == Url::Scheme::unix_stream;
  if (!can) return url;
  std::string all = query;
  for (const Url::Query& each : url.query()) all += '&' + each.key + '=' + each.value;
  const std::string text = url.text();
  const std::string rest = text.substr(text.find("://"));
  return Url::parse((url.is_unix() ? "tls+unix" : "tls") + rest + '?' + all);
}

}  // namespace

const TlsFiles& tls_files() {
  static const Folder folder;
  return folder.files();
}

Url listen_in(Transport transport, const Url& url) {
  if (transport == Transport::plain) return url;
  return in_tls(url, "cert=" + tls_files().certificate + "&key=" + tls_files().key);
}

Url dial_in(Transport transport, const Url& url) {
  if (transport == Transport::plain) return url;
  const std::string version = transport == Transport::tls13 ? "&tls-min=1.3" : "";
  return in_tls(url, "name=localhost&ca=" + tls_files().ca + version);
}

const char* name(Transport transport) {
  constexpr const char* names[] = {"plain", "tls1.2", "tls1.3"};
  return names[static_cast<std::size_t>(transport)];
}

Transport asked_transport() {
  const char* const asked = std::getenv("WEIR_TRANSPORT");
  if (asked == nullptr || *asked == '\0') return Transport::plain;
  for (const Transport each : {Transport::plain, Transport::tls12, Transport::tls13}) {
    if (std::string_view(asked) == name(each)) return each;
  }
  throw std::runtime_error("WEIR_TRANSPORT: plain, tls1.2 or tls1.3, not " + std::string(asked));
}

}  // namespace weir::testing
