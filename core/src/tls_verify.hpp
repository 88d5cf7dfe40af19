// Remembers why a peer's certificate was refused, for OpenSSL forgets whose it was.
#pragma once

#include <string>

#include <openssl/ssl.h>

namespace weir {

struct Refusal {
  int error = 0;        // X509_V_ERR_...
  std::string subject;  // Escaped, like the names.
  std::string names;    // That the certificate is for, between commas.
};

// Verifies in this mode, SSL_VERIFY_...
void verify_peers(SSL_CTX* context, int mode);

// Null if none was refused.
const Refusal* refusal_of(const SSL* ssl);

}  // namespace weir
