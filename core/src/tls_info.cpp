#include "tls_info.hpp"

#include <string_view>

#include <weir/text.hpp>

#include "tls_certificate.hpp"

namespace weir {

TlsInfo tls_info(const SSL* ssl) {
  TlsInfo info;
  info.version = SSL_get_version(ssl);
  if (const SSL_CIPHER* const cipher = SSL_get_current_cipher(ssl)) {
    info.cipher = SSL_CIPHER_get_name(cipher);
  }
  if (const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) {
    info.server_name = escape(name);
  }
  const unsigned char* protocol = nullptr;
  unsigned int length = 0;
  SSL_get0_alpn_selected(ssl, &protocol, &length);
  if (protocol != nullptr) {
    info.alpn = escape(std::string_view(reinterpret_cast<const char*>(protocol), length));
  }
  if (const X509* const peer = SSL_get0_peer_certificate(ssl)) {
    info.peer_certificate = escape(subject_of(peer));
  }
  info.resumed = SSL_session_reused(ssl) == 1;
  return info;
}

}  // namespace weir
