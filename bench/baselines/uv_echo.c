// An echo server written by hand on libuv, as well as its stream interface allows: one buffer for
// all connections, the kernel tried first, a write request only for what it did not take.
#include <netinet/tcp.h>
#include <uv.h>

#include "program.h"

static char shared_buffer[kBufferSize];

struct Rest {
  uv_write_t request;
  uv_buf_t bytes;
  char data[];
};

static void freed(uv_handle_t* handle) { free(handle); }

static void drop(uv_stream_t* peer) {
  if (!uv_is_closing((uv_handle_t*)peer)) uv_close((uv_handle_t*)peer, freed);
}

static void lend(uv_handle_t* handle, size_t wanted, uv_buf_t* buffer) {
  (void)handle;
  (void)wanted;
  *buffer = uv_buf_init(shared_buffer, kBufferSize);
}

static void echo(uv_stream_t* peer, ssize_t size, const uv_buf_t* buffer);

static void written(uv_write_t* request, int status) {
  uv_stream_t* peer = request->handle;
  free(request->data);
  if (status != 0) {
    drop(peer);
  } else if (!uv_is_closing((uv_handle_t*)peer)) {
    uv_read_start(peer, lend, echo);
  }
}

// Copies what the kernel did not take; the connection is not read until that has left.
static void queue(uv_stream_t* peer, const char* bytes, size_t size) {
  struct Rest* rest = malloc(sizeof *rest + size);
  if (rest == NULL) die("malloc");
  memcpy(rest->data, bytes, size);
  rest->bytes = uv_buf_init(rest->data, (unsigned)size);
  rest->request.data = rest;
  uv_read_stop(peer);
  if (uv_write(&rest->request, peer, &rest->bytes, 1, written) != 0) {
    free(rest);
    drop(peer);
  }
}

static void echo(uv_stream_t* peer, ssize_t size, const uv_buf_t* buffer) {
  if (size == 0) return;
  if (size < 0) {
    drop(peer);
    return;
  }
  const uv_buf_t bytes = uv_buf_init(buffer->base, (unsigned)size);
  const int sent = uv_try_write(peer, &bytes, 1);
  if (sent == size) return;
  if (sent < 0 && sent != UV_EAGAIN) {
    drop(peer);
    return;
  }
  const size_t taken = sent < 0 ? 0 : (size_t)sent;
  queue(peer, buffer->base + taken, (size_t)size - taken);
}

static void arrived(uv_stream_t* listener, int status) {
  if (status != 0) return;
  uv_tcp_t* peer = malloc(sizeof *peer);
  if (peer == NULL) die("malloc");
  uv_tcp_init(listener->loop, peer);
  if (uv_accept(listener, (uv_stream_t*)peer) != 0 ||
      uv_read_start((uv_stream_t*)peer, lend, echo) != 0) {
    drop((uv_stream_t*)peer);
  }
}

static void check(int status, const char* what) {
  if (status == 0) return;
  fprintf(stderr, "%s: %s\n", what, uv_strerror(status));
  exit(71);
}

int main(int argc, char** argv) {
  const struct sockaddr_in at = loopback(argc, argv);
  const int on = 1;
  uv_tcp_t listener;
  uv_os_fd_t descriptor;
  end_on_term();
  uv_tcp_init(uv_default_loop(), &listener);
  check(uv_tcp_bind(&listener, (const struct sockaddr*)&at, 0), "bind");
  check(uv_listen((uv_stream_t*)&listener, kBacklog, arrived), "listen");
  check(uv_fileno((uv_handle_t*)&listener, &descriptor), "fileno");
  // Accepted sockets inherit it, so it costs no call on each.
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  say_ready(descriptor);
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
