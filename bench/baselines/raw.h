// What the servers over bare sockets share: the listening socket, and output the kernel did not take
// at once.
#ifndef WEIR_BENCH_RAW_H
#define WEIR_BENCH_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  kPeersMax = 1 << 17,  // Descriptors are indices; the tables' untouched pages cost nothing.
  kEvents = 512,        // Events taken with one epoll_wait.
  kAccepts = 256,       // Connections accepted before the others get their turn.
};

extern char shared_buffer[];

// Returns the listening socket that the command line asks for; it does not block.
int raw_listen(int argc, char** argv);

// Listens like that, level-triggered in a new epoll, which it returns.
int raw_start(int argc, char** argv, int* listener);

// Accepts a batch into the epoll; `joined` is called with each, unless it is null.
void raw_accept(int epoll, int listener, void (*joined)(int));

// What `events` a descriptor is waited for: EPOLLIN, EPOLLOUT or both.
void raw_wait_for(int epoll, int peer, uint32_t events);

// Bytes that wait for the kernel to take them.
struct Waiting {
  char* bytes;
  size_t size;
};

// Sends what it can. False: the connection is broken.
bool waiting_flush(int peer, struct Waiting* waiting);
void waiting_add(struct Waiting* waiting, const char* bytes, size_t size);
void waiting_clear(struct Waiting* waiting);

// Tries the kernel first. Returns the bytes taken, 0 when it is full, -1 when the connection broke.
ptrdiff_t raw_send(int peer, const char* bytes, size_t size);

#endif
