// An echo server written by hand on libev: one buffer for all connections, a read and a write for each
// message, and what the kernel did not take kept until the connection can be written to.
#include <ev.h>

#include "program.h"
#include "raw.h"

struct Peer {
  struct ev_io watcher;
  struct Waiting waiting;
};

static void drop(struct ev_loop* loop, struct Peer* peer) {
  ev_io_stop(loop, &peer->watcher);
  close(peer->watcher.fd);
  waiting_clear(&peer->waiting);
  free(peer);
}

static void wait_for(struct ev_loop* loop, struct Peer* peer, int events) {
  ev_io_stop(loop, &peer->watcher);
  ev_io_set(&peer->watcher, peer->watcher.fd, events);
  ev_io_start(loop, &peer->watcher);
}

static void flush(struct ev_loop* loop, struct Peer* peer) {
  if (!waiting_flush(peer->watcher.fd, &peer->waiting)) {
    drop(loop, peer);
  } else if (peer->waiting.size == 0) {
    wait_for(loop, peer, EV_READ);
  }
}

static void echo(struct ev_loop* loop, struct ev_io* watcher, int events) {
  struct Peer* peer = watcher->data;
  if ((events & EV_WRITE) != 0) {
    flush(loop, peer);
    return;
  }
  const ssize_t size = recv(watcher->fd, shared_buffer, kBufferSize, 0);
  const ptrdiff_t sent = size <= 0 ? -1 : raw_send(watcher->fd, shared_buffer, (size_t)size);
  if (sent < 0) {
    drop(loop, peer);
  } else if (sent < size) {
    waiting_add(&peer->waiting, shared_buffer + sent, (size_t)(size - sent));
    wait_for(loop, peer, EV_WRITE);
  }
}

static void arrived(struct ev_loop* loop, struct ev_io* listener, int events) {
  (void)events;
  for (int count = 0; count < kAccepts; ++count) {
    const int descriptor = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) return;
    struct Peer* peer = calloc(1, sizeof *peer);
    if (peer == NULL) die("calloc");
    ev_io_init(&peer->watcher, echo, descriptor, EV_READ);
    peer->watcher.data = peer;
    ev_io_start(loop, &peer->watcher);
  }
}

int main(int argc, char** argv) {
  const int socket = raw_listen(argc, argv);
  struct ev_loop* loop = ev_default_loop(EVFLAG_AUTO);
  struct ev_io listener;
  ev_io_init(&listener, arrived, socket, EV_READ);
  ev_io_start(loop, &listener);
  say_ready(socket);
  return ev_run(loop, 0) ? 0 : 1;
}
