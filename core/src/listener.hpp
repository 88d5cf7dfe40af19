// Binding a URL: the sockets it stands for, ready to accept from.
#pragma once

#include <vector>

#include <sys/types.h>

#include <weir/url.hpp>

namespace weir {

// A bound, listening, non-blocking socket. Closes it, unless it was taken, and removes the Unix
// socket's node if that is still the one it made.
class BoundSocket {
 public:
  BoundSocket(int socket, Url url) : socket_(socket), url_(std::move(url)) {}
  ~BoundSocket();
  BoundSocket(BoundSocket&& other) noexcept;
  BoundSocket& operator=(BoundSocket&&) = delete;

  const Url& url() const { return url_; }  // With the real port.
  Url place() const;                       // With the address in place of a name.
  int take();                              // The socket is the caller's; the node stays ours.
  void owns_node();                        // The node at the URL's path was made by this socket.

 private:
  int socket_;
  Url url_;
  dev_t device_ = 0;
  ino_t inode_ = 0;  // 0: no node.
};

// Every socket the URL stands for: a host name may have several addresses. Throws SetupError that
// names the URL and the reason; then none is bound.
std::vector<BoundSocket> bind_url(const Url& url);

// Throws SetupError if there is no such listener in this build.
void check_listenable(const Url& url);

// For listener.cpp: a Unix socket, its stale predecessor removed under a lock.
BoundSocket bind_unix_url(const Url& url);

// Throws SetupError: "cannot listen on URL: what: reason".
[[noreturn]] void cannot_listen(const Url& url, int error, std::string_view what = {});

}  // namespace weir
