#include "tls_error.hpp"

#include <array>
#include <string_view>

#include <openssl/err.h>
#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>

#include <weir/text.hpp>

#include "tls_verify.hpp"

namespace weir {

namespace {

struct Word {
  int code;
  std::string_view text;
};

// Where OpenSSL's own word would send people the wrong way.
constexpr std::array kReasons{
    Word{SSL_R_WRONG_VERSION_NUMBER, "what the peer sent is not TLS"},
    Word{SSL_R_UNKNOWN_PROTOCOL, "what the peer sent is not TLS"},
    Word{SSL_R_HTTP_REQUEST, "what the peer sent is not TLS but an HTTP request"},
    Word{SSL_R_HTTPS_PROXY_REQUEST, "what the peer sent is not TLS but an HTTP request to a proxy"},
    Word{SSL_R_BAD_PROTOCOL_VERSION_NUMBER, "what the peer sent is not TLS"},
    Word{SSL_R_UNSUPPORTED_PROTOCOL, "the peer speaks no version of TLS that we do"},
    Word{SSL_R_WRONG_SSL_VERSION, "the peer speaks no version of TLS that we do"},
    Word{SSL_R_VERSION_TOO_LOW, "the peer speaks no version of TLS that we do"},
    Word{SSL_R_INAPPROPRIATE_FALLBACK,
         "the peer fell back to an older version of TLS than it must"},
    Word{SSL_R_NO_SHARED_CIPHER, "the peer offers no cipher that we take"},
    Word{SSL_R_NO_SUITABLE_KEY_SHARE, "the peer offers no group that we take"},
    Word{SSL_R_NO_SUITABLE_GROUPS, "the peer offers no group that we take"},
    Word{SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS,
         "the peer offers no signature algorithm that we take"},
    Word{SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM,
         "the peer offers no signature algorithm that we take"},
    Word{SSL_R_NO_APPLICATION_PROTOCOL, "the peer offers no ALPN protocol that we speak"},
    Word{SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "the client shows no certificate"},
    Word{SSL_R_UNEXPECTED_EOF_WHILE_READING, "the peer ended the connection without saying so"},
    Word{SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, "a record was damaged on its way"},
    Word{SSL_R_EXCESSIVE_MESSAGE_SIZE, "the peer sent a handshake message that is too large"},
    Word{SSL_R_TOO_MANY_KEY_UPDATES, "the peer changes its keys too often"},
};

constexpr std::array kVerdicts{
    Word{X509_V_ERR_CERT_HAS_EXPIRED, "the certificate has expired"},
    Word{X509_V_ERR_CERT_NOT_YET_VALID, "the certificate is not yet valid"},
    Word{X509_V_ERR_CERT_REVOKED, "the certificate has been revoked"},
    Word{X509_V_ERR_CRL_HAS_EXPIRED, "the list of revoked certificates has expired"},
    Word{X509_V_ERR_CRL_NOT_YET_VALID, "the list of revoked certificates is not yet valid"},
    Word{X509_V_ERR_UNABLE_TO_GET_CRL, "there is no list of revoked certificates of its authority"},
    Word{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
         "the certificate is of no authority that we trust"},
    Word{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "the certificate is of no authority that we trust"},
    Word{X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
         "the certificate is of no authority that we trust"},
    Word{X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "the certificate is of no authority that we trust"},
    Word{X509_V_ERR_CERT_SIGNATURE_FAILURE, "the certificate is not of the authority it names"},
    Word{X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "the certificate is its own authority"},
    Word{X509_V_ERR_INVALID_PURPOSE, "the certificate is not for this side of a connection"},
    Word{X509_V_ERR_EE_KEY_TOO_SMALL, "the certificate's key is too weak"},
    Word{X509_V_ERR_CA_KEY_TOO_SMALL, "the key of the certificate's authority is too weak"},
    Word{X509_V_ERR_CA_MD_TOO_WEAK, "the certificate is signed with a weak digest"},
};

template <std::size_t Size>
std::string_view find(const std::array<Word, Size>& words, int code) {
  for (const Word& word : words) {
    if (word.code == code) return word.text;
  }
  return {};
}

// What was asked for stands in the verification's parameters.
std::string asked_name(const SSL* ssl) {
  X509_VERIFY_PARAM* const asked = SSL_get0_param(const_cast<SSL*>(ssl));  // Only read.
  if (const char* const host = X509_VERIFY_PARAM_get0_host(asked, 0)) return host;
  char* const address = X509_VERIFY_PARAM_get1_ip_asc(asked);
  std::string text = address == nullptr ? "" : lower(address);
  OPENSSL_free(address);
  return text;
}

std::string verdict(const SSL* ssl, const Refusal& refusal) {
  const bool other_name = refusal.error == X509_V_ERR_HOSTNAME_MISMATCH ||
                          refusal.error == X509_V_ERR_IP_ADDRESS_MISMATCH;
  if (other_name) {
    return "the certificate is for " +
           (refusal.names.empty() ? "no host (a common name does not count)" : refusal.names) +
           ", not for " + asked_name(ssl);
  }
  std::string text(find(kVerdicts, refusal.error));
  if (text.empty()) {
    text =
        std::string("the certificate is refused: ") + X509_verify_cert_error_string(refusal.error);
  }
  return refusal.subject.empty() ? text : text + " (" + refusal.subject + ')';
}

// The reason says "tlsv1 alert unknown ca", whichever version was spoken.
std::string alert_text(unsigned long error) {
  const char* const word = ERR_reason_error_string(error);
  const std::string text = word == nullptr ? "" : word;
  const std::size_t at = text.find("alert ");
  if (at != std::string::npos) return text.substr(at);
  return "alert " + std::to_string(ERR_GET_REASON(error) - SSL_AD_REASON_OFFSET);
}

std::string reason_text(unsigned long error) {
  if (ERR_GET_LIB(error) == ERR_LIB_SSL) {
    const int reason = ERR_GET_REASON(error);
    if (reason >= SSL_AD_REASON_OFFSET) {
      return "the peer refused: " + alert_text(error);
    }
    const std::string_view known = find(kReasons, reason);
    if (!known.empty()) return std::string(known);
  }
  const char* const word = ERR_reason_error_string(error);
  return word != nullptr ? word : "OpenSSL's error " + std::to_string(error);
}

}  // namespace

void clear_tls_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

std::string tls_reason() {
  const unsigned long error = ERR_peek_error();
  ERR_clear_error();
  return error == 0 ? std::string() : reason_text(error);
}

std::string tls_failure(const SSL* ssl, int error) {
  const unsigned long first = ERR_peek_error();
  std::string reason = tls_reason();
  const bool refused =
      ERR_GET_LIB(first) == ERR_LIB_SSL && ERR_GET_REASON(first) == SSL_R_CERTIFICATE_VERIFY_FAILED;
  if (refused) {
    const Refusal* const refusal = refusal_of(ssl);
    return verdict(ssl, refusal != nullptr
                            ? *refusal
                            : Refusal{static_cast<int>(SSL_get_verify_result(ssl)), {}, {}});
  }
  if (!reason.empty()) return reason;
  if (error == SSL_ERROR_ZERO_RETURN) return "the peer ended TLS";
  return "the peer ended the connection without saying so";
}

}  // namespace weir
