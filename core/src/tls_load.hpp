// Certificates, keys and authorities out of their files, with everything that can be told of them
// before anybody connects.
#pragma once

#include <string>
#include <vector>

#include "tls_certificate.hpp"
#include "tls_files.hpp"
#include "tls_handle.hpp"
#include "tls_options.hpp"

namespace weir {

struct LoadedPair {
  TlsCertificate about;
  int type = 0;  // EVP_PKEY_...: RSA, EC, Ed25519.
  CertificateHandle leaf;
  KeyHandle key;
  std::vector<CertificateHandle> chain;
};

// The files and remarks of all that is read.
struct LoadLog {
  std::vector<FileStamp> stamps;
  std::vector<std::string> warnings;
};

enum class Expired : std::uint8_t { warn, refuse };

// All throw SetupError, which names file and reason. `passphrase` is a file, or empty.
LoadedPair load_pair(const TlsPair& files, const std::string& passphrase, Expired expired,
                     LoadLog& log);

// Into a context, beside what it has of other types.
void use_pair(SSL_CTX* context, const LoadedPair& pair);

struct Authorities {
  StoreHandle store;
  std::string text;  // Of both files.
};

// Whom to trust, the system's if `ca` is empty, and if `crl` is not empty, whom of them no more.
Authorities load_authorities(const std::string& ca, const std::string& crl, LoadLog& log);

}  // namespace weir
