// An echo server on libevent as its manual writes it: a bufferevent per connection.
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/tcp.h>

#include "program.h"

static void echo(struct bufferevent* peer, void* context) {
  (void)context;
  evbuffer_add_buffer(bufferevent_get_output(peer), bufferevent_get_input(peer));
}

static void left(struct bufferevent* peer, void* context) {
  (void)context;
  bufferevent_free(peer);
}

static void failed(struct bufferevent* peer, short what, void* context) {
  (void)what;
  left(peer, context);
}

// What is still to be written goes out before the connection is closed.
static void ended(struct bufferevent* peer, short what, void* context) {
  if ((what & BEV_EVENT_EOF) != 0 && evbuffer_get_length(bufferevent_get_output(peer)) != 0) {
    bufferevent_disable(peer, EV_READ);
    bufferevent_setcb(peer, NULL, left, failed, context);
  } else {
    bufferevent_free(peer);
  }
}

static void arrived(struct evconnlistener* listener, evutil_socket_t descriptor,
                    struct sockaddr* from, int size, void* context) {
  (void)from;
  (void)size;
  (void)context;
  struct bufferevent* peer =
      bufferevent_socket_new(evconnlistener_get_base(listener), descriptor, BEV_OPT_CLOSE_ON_FREE);
  if (peer == NULL) die("bufferevent_socket_new");
  bufferevent_setcb(peer, echo, NULL, ended, NULL);
  bufferevent_enable(peer, EV_READ | EV_WRITE);
}

int main(int argc, char** argv) {
  const struct sockaddr_in at = loopback(argc, argv);
  const int on = 1;
  end_on_term();
  struct event_base* base = event_base_new();
  if (base == NULL) die("event_base_new");
  struct evconnlistener* listener =
      evconnlistener_new_bind(base, arrived, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE,
                              kBacklog, (const struct sockaddr*)&at, (int)sizeof at);
  if (listener == NULL) die("evconnlistener_new_bind");
  setsockopt(evconnlistener_get_fd(listener), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  say_ready(evconnlistener_get_fd(listener));
  return event_base_dispatch(base);
}
