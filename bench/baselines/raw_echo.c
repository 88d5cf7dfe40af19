// The floor an echo server stands on: epoll, one recv and one send per message, and nothing else.
// No timeouts, no limits, no callbacks, no memory per connection. It is correct all the same: what
// the kernel does not take is kept, and that connection is not read until it has left.
#include <sys/epoll.h>

#include "program.h"
#include "raw.h"

static struct Waiting waiting[kPeersMax];

static void drop(int peer) {
  waiting_clear(&waiting[peer]);
  close(peer);
}

static void echo(int epoll, int peer) {
  const ssize_t size = recv(peer, shared_buffer, kBufferSize, 0);
  if (size <= 0) {
    drop(peer);
    return;
  }
  const ptrdiff_t sent = raw_send(peer, shared_buffer, (size_t)size);
  if (__builtin_expect(sent == size, 1)) return;
  if (sent < 0) {
    drop(peer);
    return;
  }
  waiting_add(&waiting[peer], shared_buffer + sent, (size_t)(size - sent));
  raw_wait_for(epoll, peer, EPOLLOUT);
}

static void flush(int epoll, int peer) {
  if (!waiting_flush(peer, &waiting[peer])) {
    drop(peer);
  } else if (waiting[peer].size == 0) {
    raw_wait_for(epoll, peer, EPOLLIN);
  }
}

int main(int argc, char** argv) {
  int listener = -1;
  const int epoll = raw_start(argc, argv, &listener);
  struct epoll_event events[kEvents];
  for (;;) {
    const int count = epoll_wait(epoll, events, kEvents, -1);
    for (int index = 0; index < count; ++index) {
      const int peer = events[index].data.fd;
      if (peer == listener) {
        raw_accept(epoll, listener, NULL);
      } else if (waiting[peer].size != 0) {
        flush(epoll, peer);
      } else {
        echo(epoll, peer);
      }
    }
  }
}
