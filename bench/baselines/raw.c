#include "raw.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>

#include "program.h"

char shared_buffer[kBufferSize];

static void wait_for(int epoll, int operation, int peer, uint32_t events) {
  struct epoll_event event;
  memset(&event, 0, sizeof event);
  event.events = events;
  event.data.fd = peer;
  if (epoll_ctl(epoll, operation, peer, &event) != 0) die("epoll_ctl");
}

void raw_wait_for(int epoll, int peer, uint32_t events) {
  wait_for(epoll, EPOLL_CTL_MOD, peer, events);
}

int raw_listen(int argc, char** argv) {
  const struct sockaddr_in at = loopback(argc, argv);
  const int on = 1;
  end_on_term();
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) die("socket");
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // Accepted sockets inherit it, so it costs no call on each.
  setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (bind(listener, (const struct sockaddr*)&at, sizeof at) != 0) die("bind");
  if (listen(listener, kBacklog) != 0) die("listen");
  return listener;
}

int raw_start(int argc, char** argv, int* listener) {
  *listener = raw_listen(argc, argv);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) die("epoll_create1");
  wait_for(epoll, EPOLL_CTL_ADD, *listener, EPOLLIN);
  say_ready(*listener);
  return epoll;
}

void raw_accept(int epoll, int listener, void (*joined)(int)) {
  for (int count = 0; count < kAccepts; ++count) {
    const int peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (peer < 0) return;
    if (peer >= kPeersMax) {
      close(peer);
      continue;
    }
    wait_for(epoll, EPOLL_CTL_ADD, peer, EPOLLIN);
    if (joined != NULL) joined(peer);
  }
}

ptrdiff_t raw_send(int peer, const char* bytes, size_t size) {
  const ssize_t sent = send(peer, bytes, size, MSG_NOSIGNAL);
  if (sent >= 0) return sent;
  return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? 0 : -1;
}

bool waiting_flush(int peer, struct Waiting* waiting) {
  const ptrdiff_t sent = raw_send(peer, waiting->bytes, waiting->size);
  if (sent < 0) return false;
  waiting->size -= (size_t)sent;
  if (waiting->size == 0) {
    waiting_clear(waiting);
  } else {
    memmove(waiting->bytes, waiting->bytes + sent, waiting->size);
  }
  return true;
}

void waiting_add(struct Waiting* waiting, const char* bytes, size_t size) {
  char* grown = realloc(waiting->bytes, waiting->size + size);
  if (grown == NULL) die("realloc");
  memcpy(grown + waiting->size, bytes, size);
  waiting->bytes = grown;
  waiting->size += size;
}

void waiting_clear(struct Waiting* waiting) {
  free(waiting->bytes);
  waiting->bytes = NULL;
  waiting->size = 0;
}
