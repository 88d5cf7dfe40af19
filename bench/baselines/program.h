// What every baseline and peer in C does to be a program: take PORT, say `ready PORT`, end on TERM.
#ifndef WEIR_BENCH_PROGRAM_H
#define WEIR_BENCH_PROGRAM_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  kBacklog = 4096,          // The kernel lowers it to what net.core.somaxconn allows.
  kBufferSize = 64 * 1024,  // Bytes read at once; one buffer for the whole process.
};

static inline void die(const char* what) {
  perror(what);
  exit(71);
}

// The address 127.0.0.1:PORT from the command line; 0 lets the kernel choose the port.
static inline struct sockaddr_in loopback(int argc, char** argv) {
  char* rest = NULL;
  const long port = argc == 2 ? strtol(argv[1], &rest, 10) : -1;
  if (port < 0 || port > 65535 || rest == argv[1] || *rest != '\0') {
    fprintf(stderr, "usage: %s PORT\n", argv[0]);
    exit(64);
  }
  struct sockaddr_in at;
  memset(&at, 0, sizeof at);
  at.sin_family = AF_INET;
  at.sin_port = htons((unsigned short)port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return at;
}

static inline void leave(int signal_number) {
  (void)signal_number;
  _exit(0);  // There is nothing to save, and this is allowed in a signal handler.
}

static inline void end_on_term(void) {
  signal(SIGTERM, leave);
  signal(SIGINT, leave);
  signal(SIGPIPE, SIG_IGN);
}

// Prints the port the listening socket really has, once it accepts.
static inline void say_ready(int listener) {
  struct sockaddr_in at;
  socklen_t size = sizeof at;
  if (getsockname(listener, (struct sockaddr*)&at, &size) != 0) die("getsockname");
  printf("ready %u\n", (unsigned)ntohs(at.sin_port));
  fflush(stdout);
}

#endif
