// What makes the SSL of a connection.
#pragma once

#include <openssl/ssl.h>

namespace weir {

class TlsSource {
 public:
  virtual ~TlsSource() = default;

  virtual bool serves() const = 0;  // We are the server's side.

  // New, in accept or connect state, without a BIO, the caller's to free; null if there is no memory.
  // Any thread.
  virtual SSL* make() = 0;
};

}  // namespace weir
