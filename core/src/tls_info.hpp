// What a handshake agreed on.
#pragma once

#include <openssl/ssl.h>

#include <weir/tls.hpp>

namespace weir {

WEIR_API TlsInfo tls_info(const SSL* ssl);

}  // namespace weir
