// Why TLS failed, in words.
#pragma once

#include <string>

#include <openssl/ssl.h>

#include <weir/base.hpp>

namespace weir {

// Half a sentence about what SSL_get_error called `error`, such as "the certificate has expired", for
// a line of the log. Empties the thread's queue of errors. What came from the peer is as it came: the
// log escapes its lines.
WEIR_API std::string tls_failure(const SSL* ssl, int error);

// The library's own word for the oldest error of the thread, if there is any; empties the queue.
std::string tls_reason();

// Empties the thread's queue of errors, in which may be those of any connection. ERR_clear_error() alone
// clears all 16 places of it, full or empty, and a message takes two.
void clear_tls_errors();

}  // namespace weir
