// What a target gave a client to come back with.
#pragma once

#include <deque>
#include <memory>
#include <mutex>

#include "tls_handle.hpp"

namespace weir {

// Of one target and set of options, for all loops.
class TlsSessions {
 public:
  void keep(SslSession session);

  // The newest that can be taken up again, or null. One of TLS 1.3 is given once, so that nobody who
  // watches can tell two connections for the same client's.
  SslSession take();

 private:
  std::mutex mutex_;
  std::deque<SslSession> kept_;
};

// Connections of the context that were told by take_up_session where to keep theirs do so.
void keep_sessions(SSL_CTX* context);

// Offers a session, if there is one, and keeps those that are given. False if there is no memory.
bool take_up_session(SSL* ssl, const std::shared_ptr<TlsSessions>& sessions);

}  // namespace weir
