// The socket options that a URL's query keys ask for.
#pragma once

#include <string>

#include <weir/url.hpp>

namespace weir {

// Sets what the URL asks for and the defaults: no delay, keepalive after 60 s, every 10 s, 3 times.
// Accepted sockets inherit them from their listener. Returns "" or "nodelay: <reason>".
std::string apply_socket_options(int socket, const Url& url);

// The "backlog" key, or as much as the kernel allows.
int backlog_of(const Url& url);

}  // namespace weir
