#include "tls_verify.hpp"

#include <memory>
#include <new>

#include <openssl/x509_vfy.h>

#include "tls_certificate.hpp"

namespace weir {

namespace {

constexpr std::size_t kNamesShown = 3;

void free_refusal(void*, void* refusal, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<Refusal*>(refusal);
}

int refusal_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free_refusal);
  return index;
}

std::string shown(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i == kNamesShown) return text + ", ...";
    text += (i == 0 ? "" : ", ") + names[i];
  }
  return text;
}

void remember(X509_STORE_CTX* verified) {
  auto* const ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(verified, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const X509* const leaf = X509_STORE_CTX_get0_cert(verified);
  if (ssl == nullptr || leaf == nullptr || refusal_of(ssl) != nullptr) return;
  auto refusal = std::make_unique<Refusal>(Refusal{
      X509_STORE_CTX_get_error(verified), subject_of(leaf), shown(alternative_names_of(leaf))});
  if (SSL_set_ex_data(ssl, refusal_index(), refusal.get()) == 1) (void)refusal.release();
}

// The first fault is kept. Nothing is allocated for a certificate that is good.
int on_verified(int good, X509_STORE_CTX* verified) {
  if (good == 1) return good;
  try {
    remember(verified);
  } catch (const std::bad_alloc&) {
    return good;  // Refused all the same, but nobody will know whose it was.
  }
  return good;
}

}  // namespace

void verify_peers(SSL_CTX* context, int mode) {
  SSL_CTX_set_verify(context, mode, mode == SSL_VERIFY_NONE ? nullptr : on_verified);
}

const Refusal* refusal_of(const SSL* ssl) {
  return static_cast<const Refusal*>(SSL_get_ex_data(ssl, refusal_index()));
}

}  // namespace weir
