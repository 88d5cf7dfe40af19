// Owners of what OpenSSL hands out.
#pragma once

#include <memory>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace weir {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* what) const {
    Free(what);
  }
};

using SslContext = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using SslHandle = std::unique_ptr<SSL, Freed<SSL_free>>;
using SslSession = std::unique_ptr<SSL_SESSION, Freed<SSL_SESSION_free>>;
using BioHandle = std::unique_ptr<BIO, Freed<BIO_free>>;
using KeyHandle = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using CertificateHandle = std::unique_ptr<X509, Freed<X509_free>>;
using CrlHandle = std::unique_ptr<X509_CRL, Freed<X509_CRL_free>>;
using StoreHandle = std::unique_ptr<X509_STORE, Freed<X509_STORE_free>>;

}  // namespace weir
