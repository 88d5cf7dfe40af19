#include "tls_sessions.hpp"

#include <new>

namespace weir {

namespace {

// Of a target. One of TLS 1.3 is good for one connection, and several may be made at once.
constexpr std::size_t kSessionsMost = 16;

using SharedSessions = std::shared_ptr<TlsSessions>;

// A session may come long after its connection was made, and after the source that made it is gone.
void free_sessions(void*, void* sessions, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<SharedSessions*>(sessions);
}

int sessions_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free_sessions);
  return index;
}

// The result says whose the session is now.
int on_new_session(SSL* ssl, SSL_SESSION* session) {
  const auto* const sessions = static_cast<SharedSessions*>(SSL_get_ex_data(ssl, sessions_index()));
  if (sessions == nullptr) return 0;
  SslSession ours(session);
  try {
    (*sessions)->keep(std::move(ours));
  } catch (const std::bad_alloc&) {
    return 1;  // It is gone already.
  }
  return 1;
}

}  // namespace

void TlsSessions::keep(SslSession session) {
  const std::lock_guard lock(mutex_);
  kept_.push_back(std::move(session));
  if (kept_.size() > kSessionsMost) kept_.pop_front();
}

SslSession TlsSessions::take() {
  const std::lock_guard lock(mutex_);
  while (!kept_.empty()) {
    SslSession newest = std::move(kept_.back());
    kept_.pop_back();
    if (SSL_SESSION_is_resumable(newest.get()) != 1) continue;
    if (SSL_SESSION_get_protocol_version(newest.get()) < TLS1_3_VERSION) {
      SSL_SESSION_up_ref(newest.get());
      kept_.emplace_back(newest.get());
    }
    return newest;
  }
  return nullptr;
}

void keep_sessions(SSL_CTX* context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  SSL_CTX_sess_set_new_cb(context, on_new_session);
}

bool take_up_session(SSL* ssl, const SharedSessions& sessions) {
  std::unique_ptr<SharedSessions> shared(new (std::nothrow) SharedSessions(sessions));
  if (!shared || SSL_set_ex_data(ssl, sessions_index(), shared.get()) != 1) return false;
  (void)shared.release();
  if (const SslSession session = sessions->take()) SSL_set_session(ssl, session.get());
  return true;
}

}  // namespace weir
