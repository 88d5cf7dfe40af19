// The floor a TLS echo server stands on: epoll and OpenSSL by hand, as a careful author would write it.
// One shared buffer, buffers of OpenSSL given back when idle, one ticket a handshake, the protocols,
// ciphers and groups of the server it is compared with. No timeouts, no limits, no callbacks. What the
// kernel does not take is kept by OpenSSL or here, and that connection is not read until it has left.
//
// usage: raw_tls PORT, with the files of the certificate and its key in RAW_TLS_CERT and RAW_TLS_KEY
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>

#include "program.h"
#include "raw.h"

static SSL_CTX* context;
static SSL* sessions[kPeersMax];
static struct Waiting waiting[kPeersMax];
static uint32_t waited_for[kPeersMax];

static const char* need_file(const char* name) {
  const char* file = getenv(name);
  if (file != NULL) return file;
  fprintf(stderr, "raw_tls: %s is to name a file\n", name);
  exit(64);
}

static void check(bool fine, const char* what) {
  if (fine) return;
  fprintf(stderr, "raw_tls: %s\n", what);
  ERR_print_errors_fp(stderr);
  exit(66);
}

static void make_context(void) {
  context = SSL_CTX_new(TLS_server_method());
  check(context != NULL, "no context");
  SSL_CTX_set_options(
      context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  check(SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384") == 1 &&
            SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM") == 1 &&
            SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1,
        "no ciphers");
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);  // A record with one recv, not two.
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  check(SSL_CTX_use_certificate_chain_file(context, need_file("RAW_TLS_CERT")) == 1 &&
            SSL_CTX_use_PrivateKey_file(context, need_file("RAW_TLS_KEY"), SSL_FILETYPE_PEM) == 1,
        "no certificate");
}

static void drop(int peer) {
  waiting_clear(&waiting[peer]);
  SSL_set_quiet_shutdown(sessions[peer], 1);
  SSL_shutdown(sessions[peer]);
  SSL_free(sessions[peer]);
  sessions[peer] = NULL;
  close(peer);
}

static void join(int peer) {
  SSL* ssl = SSL_new(context);
  if (ssl == NULL || SSL_set_fd(ssl, peer) != 1) die("SSL_new");
  SSL_set_accept_state(ssl);
  sessions[peer] = ssl;
  waited_for[peer] = EPOLLIN;
}

static void want(int epoll, int peer, uint32_t events) {
  if (waited_for[peer] == events) return;
  waited_for[peer] = events;
  raw_wait_for(epoll, peer, events);
}

// False: nothing more can be done now, or ever; the peer may be gone.
static bool go_on(int epoll, int peer, int result) {
  if (result > 0) return true;
  switch (SSL_get_error(sessions[peer], result)) {
    case SSL_ERROR_WANT_READ:
      want(epoll, peer, EPOLLIN);
      return false;
    case SSL_ERROR_WANT_WRITE:
      want(epoll, peer, EPOLLOUT);
      return false;
    case SSL_ERROR_ZERO_RETURN:
      SSL_shutdown(sessions[peer]);  // Answers the peer's close_notify.
      drop(peer);
      return false;
    default:
      drop(peer);
      return false;
  }
}

static bool send_all(int epoll, int peer, const char* bytes, size_t size) {
  for (size_t sent = 0; sent < size;) {
    const int result = SSL_write(sessions[peer], bytes + sent, (int)(size - sent));
    if (!go_on(epoll, peer, result)) {
      if (sessions[peer] != NULL && bytes != waiting[peer].bytes) {
        waiting_add(&waiting[peer], bytes + sent, size - sent);
      } else if (sessions[peer] != NULL) {
        waiting[peer].size = size - sent;
        memmove(waiting[peer].bytes, bytes + sent, size - sent);
      }
      return false;
    }
    sent += (size_t)result;
  }
  return true;
}

static void serve(int epoll, int peer) {
  ERR_clear_error();
  if (waiting[peer].size != 0) {
    if (!send_all(epoll, peer, waiting[peer].bytes, waiting[peer].size)) return;
    waiting_clear(&waiting[peer]);
  }
  // Epoll tells again of what is in the kernel, and not of what OpenSSL has read ahead.
  do {
    const int size = SSL_read(sessions[peer], shared_buffer, kBufferSize);
    if (!go_on(epoll, peer, size)) return;
    if (!send_all(epoll, peer, shared_buffer, (size_t)size)) return;
  } while (SSL_has_pending(sessions[peer]));
}

int main(int argc, char** argv) {
  make_context();
  int listener = -1;
  const int epoll = raw_start(argc, argv, &listener);
  struct epoll_event events[kEvents];
  for (;;) {
    const int count = epoll_wait(epoll, events, kEvents, -1);
    for (int index = 0; index < count; ++index) {
      const int peer = events[index].data.fd;
      if (peer == listener) {
        raw_accept(epoll, listener, join);
      } else {
        serve(epoll, peer);
      }
    }
  }
}
