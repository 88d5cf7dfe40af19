#include "tls_load.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sslerr.h>
#include <openssl/x509v3.h>

#include <weir/text.hpp>

#include "tls_error.hpp"

namespace weir {

namespace {

constexpr int kBitsLeast = 112;  // Of security; what level 2 asks for.

BioHandle reader(const std::string& text) {
  return BioHandle(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Whether reading went on to the end: another fault than "no more" means that something is damaged.
bool ended() {
  const unsigned long error = ERR_peek_last_error();
  const bool good =
      ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  return good;
}

// An empty answer to a question for a passphrase that nobody could be asked.
int no_passphrase(char*, int, int, void*) { return 0; }

std::vector<CertificateHandle> read_certificates(std::string_view what, const FileText& file) {
  std::vector<CertificateHandle> all;
  const BioHandle from = reader(file.text());
  while (X509* const next = PEM_read_bio_X509(from.get(), nullptr, no_passphrase, nullptr)) {
    all.emplace_back(next);
  }
  if (!ended()) cannot_use(what, file.stamp().path, "a certificate in it is damaged");
  if (all.empty()) {
    const bool pem = file.text().find("-----BEGIN ") != std::string::npos;
    cannot_use(what, file.stamp().path,
               file.text().empty() ? "it is empty"
               : pem               ? "there is no certificate in it"
                                   : "it is not PEM");
  }
  return all;
}

struct Question {
  const std::string* answer = nullptr;
  bool asked = false;
};

int on_passphrase(char* buffer, int size, int, void* context) {
  auto& question = *static_cast<Question*>(context);
  question.asked = true;
  if (question.answer == nullptr || question.answer->size() > static_cast<std::size_t>(size))
    return -1;
  std::copy(question.answer->begin(), question.answer->end(), buffer);
  return static_cast<int>(question.answer->size());
}

KeyHandle read_key(const FileText& file, const std::string* passphrase) {
  const std::string& path = file.stamp().path;
  if (file.text().empty()) cannot_use("key", path, "it is empty");
  const BioHandle from = reader(file.text());
  Question question{passphrase, false};
  KeyHandle key(PEM_read_bio_PrivateKey(from.get(), nullptr, on_passphrase, &question));
  ERR_clear_error();
  if (key) return key;
  if (question.asked && passphrase == nullptr) {
    cannot_use("key", path, "it is encrypted; name a file that holds its passphrase");
  }
  if (question.asked) cannot_use("key", path, "the passphrase does not open it");
  const bool pem = file.text().find("-----BEGIN ") != std::string::npos;
  cannot_use("key", path, pem ? "there is no private key in it that can be read" : "it is not PEM");
}

// The first line of the file.
FileText read_passphrase(const std::string& path) {
  const FileText file = read_file("passphrase", path, Secrecy::secret);
  std::string line = file.text().substr(0, file.text().find_first_of("\r\n"));
  if (line.empty()) cannot_use("passphrase", path, "its first line is empty");
  return {std::move(line), file.stamp()};
}

void check_strength(const std::string& path, const X509* leaf) {
  const EVP_PKEY* const key = X509_get0_pubkey(leaf);
  if (key == nullptr) cannot_use("certificate", path, "its key is of a kind that is not known");
  if (EVP_PKEY_get_security_bits(key) >= kBitsLeast) return;
  cannot_use("certificate", path,
             "its key is too weak (" + std::to_string(EVP_PKEY_get_bits(key)) +
                 " bits), expected at least 2048 bits of RSA or 224 of another kind");
}

// Of any certificate in the file. What cannot be verified by anybody yet is a mistake for sure; what
// has expired may still be better than nothing.
void check_time(const std::string& path, std::string_view whose, const X509* certificate,
                Expired expired, LoadLog& log) {
  const WallTime begins = wall_time(X509_get0_notBefore(certificate));
  const WallTime ends = wall_time(X509_get0_notAfter(certificate));
  const WallTime now = std::chrono::system_clock::now();
  if (begins > now) {
    cannot_use("certificate", path, std::string(whose) + " is not valid before " + text_of(begins));
  }
  if (ends <= now && expired == Expired::refuse) {
    cannot_use("certificate", path, std::string(whose) + " expired on " + text_of(ends));
  }
  if (ends <= now + kTlsSoon) {
    log.warnings.push_back("certificate " + escape(path) + ": " + std::string(whose) +
                           (ends <= now ? " expired on " : " expires on ") + text_of(ends));
  }
}

void check_chain(const std::string& path, const LoadedPair& pair, Expired expired, LoadLog& log) {
  X509* below = pair.leaf.get();
  for (const CertificateHandle& one : pair.chain) {
    check_time(path, "an authority in its chain", one.get(), expired, log);
    if (X509_check_issued(one.get(), below) != X509_V_OK) {
      log.warnings.push_back("certificate " + escape(path) +
                             ": its chain is out of order, some clients will not find their way");
      return;
    }
    below = one.get();
  }
}

// Of the leaf alone: a list of each authority above it is rarely at hand.
void add_crls(X509_STORE* store, const FileText& file, LoadLog& log) {
  const std::string& path = file.stamp().path;
  const BioHandle from = reader(file.text());
  int count = 0;
  while (const CrlHandle next{PEM_read_bio_X509_CRL(from.get(), nullptr, no_passphrase, nullptr)}) {
    ++count;
    X509_STORE_add_crl(store, next.get());
    const ASN1_TIME* const ends = X509_CRL_get0_nextUpdate(next.get());
    if (ends != nullptr && wall_time(ends) <= std::chrono::system_clock::now()) {
      log.warnings.push_back("CRL " + escape(path) + ": it expired on " + text_of(wall_time(ends)) +
                             ", nobody it is about is let in");
    }
  }
  if (!ended()) cannot_use("CRL", path, "a list in it is damaged");
  if (count == 0) cannot_use("CRL", path, "there is no list of revoked certificates in it");
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
}

}  // namespace

LoadedPair load_pair(const TlsPair& files, const std::string& passphrase, Expired expired,
                     LoadLog& log) {
  const FileText file = read_file("certificate", files.certificate, Secrecy::open);
  log.stamps.push_back(file.stamp());
  LoadedPair pair;
  pair.chain = read_certificates("certificate", file);
  pair.leaf = std::move(pair.chain.front());
  pair.chain.erase(pair.chain.begin());
  pair.about = describe(pair.leaf.get(), files.certificate);
  check_strength(files.certificate, pair.leaf.get());
  check_time(files.certificate, "it", pair.leaf.get(), expired, log);
  check_chain(files.certificate, pair, expired, log);

  const bool one_file = files.key == files.certificate;
  if (one_file && file.text().find("PRIVATE KEY-----") == std::string::npos) {
    cannot_use("certificate", files.certificate,
               "its key is not in it, and no other file is named for that");
  }
  const FileText key = read_file("key", files.key, Secrecy::secret);
  log.stamps.push_back(key.stamp());
  if (passphrase.empty()) {
    pair.key = read_key(key, nullptr);
  } else {
    const FileText secret = read_passphrase(passphrase);
    log.stamps.push_back(secret.stamp());
    pair.key = read_key(key, &secret.text());
  }
  if (X509_check_private_key(pair.leaf.get(), pair.key.get()) != 1) {
    ERR_clear_error();
    cannot_use("key", files.key,
               "it does not belong to the certificate " + escape(files.certificate));
  }
  pair.type = EVP_PKEY_get_base_id(pair.key.get());
  return pair;
}

void use_pair(SSL_CTX* context, const LoadedPair& pair) {
  STACK_OF(X509)* const chain = sk_X509_new_null();
  for (const CertificateHandle& one : pair.chain) sk_X509_push(chain, one.get());
  // It takes references of its own.
  const int good = SSL_CTX_use_cert_and_key(context, pair.leaf.get(), pair.key.get(), chain, 1);
  sk_X509_free(chain);
  if (good == 1) return;
  const int reason = ERR_GET_REASON(ERR_peek_error());
  const std::string text = tls_reason();
  cannot_use("certificate", pair.about.file,
             reason == SSL_R_CA_MD_TOO_WEAK     ? "it or its chain is signed with a weak digest"
             : reason == SSL_R_CA_KEY_TOO_SMALL ? "the key of an authority in its chain is too weak"
                                                : text);
}

Authorities load_authorities(const std::string& ca, const std::string& crl, LoadLog& log) {
  Authorities loaded;
  loaded.store.reset(X509_STORE_new());
  if (ca.empty()) {
    X509_STORE_set_default_paths(loaded.store.get());
  } else {
    const FileText file = read_file("CA file", ca, Secrecy::open);
    log.stamps.push_back(file.stamp());
    loaded.text = file.text();
    for (const CertificateHandle& one : read_certificates("CA file", file)) {
      X509_STORE_add_cert(loaded.store.get(), one.get());
    }
    // Whoever is in the file is trusted, whether or not it is the authority of itself.
    X509_STORE_set_flags(loaded.store.get(), X509_V_FLAG_PARTIAL_CHAIN);
  }
  if (!crl.empty()) {
    const FileText list = read_file("CRL", crl, Secrecy::open);
    log.stamps.push_back(list.stamp());
    loaded.text += '\n' + list.text();
    add_crls(loaded.store.get(), list, log);
  }
  ERR_clear_error();
  return loaded;
}

}  // namespace weir
