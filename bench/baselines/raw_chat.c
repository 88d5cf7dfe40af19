// The floor a chat room stands on: each line a member sends goes to all others, with one send for
// each. A member that does not read misses lines once it is kBehindMax bytes behind.
#include <sys/epoll.h>

#include "program.h"
#include "raw.h"

enum { kLineMax = kBufferSize, kBehindMax = 1 << 20 };

struct Member {
  struct Waiting output;
  struct Waiting line;  // The beginning of a line whose end has not come.
  int place;            // In `members`.
  bool broken;          // Found out while sending to it; its own turn closes it.
};

static struct Member table[kPeersMax];
static int members[kPeersMax];
static int member_count;
static int room_epoll;

static void join(int peer) {
  memset(&table[peer], 0, sizeof table[peer]);
  table[peer].place = member_count;
  members[member_count++] = peer;
}

static void leave_room(int peer) {
  struct Member* self = &table[peer];
  const int last = members[--member_count];
  members[self->place] = last;
  table[last].place = self->place;
  waiting_clear(&self->output);
  waiting_clear(&self->line);
  close(peer);
}

static void tell(int peer, const char* line, size_t size) {
  struct Member* to = &table[peer];
  if (to->broken || to->output.size + size > kBehindMax) return;
  ptrdiff_t sent = 0;
  if (to->output.size == 0) {
    sent = raw_send(peer, line, size);
    if (sent == (ptrdiff_t)size) return;
    to->broken = sent < 0;  // Epoll reports it as well, as an error, and then it leaves.
    if (to->broken) return;
    raw_wait_for(room_epoll, peer, EPOLLIN | EPOLLOUT);
  }
  waiting_add(&to->output, line + sent, size - (size_t)sent);
}

static void tell_others(int from, const char* line, size_t size) {
  for (int index = 0; index < member_count; ++index) {
    if (members[index] != from) tell(members[index], line, size);
  }
}

// Passes on the whole lines among the bytes and keeps the rest. False: a line is too long.
static bool say(int peer, const char* bytes, size_t size) {
  struct Waiting* begun = &table[peer].line;
  while (size != 0) {
    const char* end = memchr(bytes, '\n', size);
    const size_t part = end == NULL ? size : (size_t)(end - bytes) + 1;
    if (begun->size + part > kLineMax) return false;
    if (end != NULL && begun->size == 0) {
      tell_others(peer, bytes, part);
    } else {
      waiting_add(begun, bytes, part);
      if (end != NULL) {
        tell_others(peer, begun->bytes, begun->size);
        waiting_clear(begun);
      }
    }
    bytes += part;
    size -= part;
  }
  return true;
}

static void serve(int peer, uint32_t events) {
  struct Member* self = &table[peer];
  if (self->output.size != 0 && (events & EPOLLOUT) != 0) {
    self->broken = self->broken || !waiting_flush(peer, &self->output);
    if (!self->broken && self->output.size == 0) raw_wait_for(room_epoll, peer, EPOLLIN);
  }
  if (self->broken) {
    leave_room(peer);
  } else if ((events & ~(uint32_t)EPOLLOUT) != 0) {
    const ssize_t size = recv(peer, shared_buffer, kBufferSize, 0);
    if (size <= 0 || !say(peer, shared_buffer, (size_t)size)) leave_room(peer);
  }
}

int main(int argc, char** argv) {
  int listener = -1;
  room_epoll = raw_start(argc, argv, &listener);
  struct epoll_event events[kEvents];
  for (;;) {
    const int count = epoll_wait(room_epoll, events, kEvents, -1);
    for (int index = 0; index < count; ++index) {
      const int peer = events[index].data.fd;
      if (peer == listener) {
        raw_accept(room_epoll, listener, join);
      } else {
        serve(peer, events[index].events);
      }
    }
  }
}
