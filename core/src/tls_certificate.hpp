// What a certificate says about itself, for people.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <openssl/x509.h>

#include <weir/base.hpp>

namespace weir {

// So long before its end there is a warning.
inline constexpr std::chrono::hours kTlsSoon{30 * 24};

// Escaped, as it may be somebody else's.
struct TlsCertificate {
  std::string file;
  std::string subject;             // As RFC 2253 writes it.
  std::vector<std::string> names;  // Hosts and addresses that it is for, in its order, lower-case.
  WallTime not_before;
  WallTime not_after;
};

TlsCertificate describe(const X509* certificate, const std::string& file);

// As RFC 2253 writes it, and as the peer wrote it: nothing is escaped.
std::string subject_of(const X509* certificate);

// Of its subjectAltName, or if it has none the common name of its subject. Nothing is escaped.
std::vector<std::string> names_of(const X509* certificate);

// The first alone, which is what clients look at (RFC 6125 6.4.4).
std::vector<std::string> alternative_names_of(const X509* certificate);

WallTime wall_time(const ASN1_TIME* time);

// "2024-05-06 07:08:09 UTC"
std::string text_of(WallTime time);

}  // namespace weir
