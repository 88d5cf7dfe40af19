// The seam between systems. platform_linux.cpp uses what Linux has; platform_portable.cpp does the
// same in POSIX calls, and is what macOS and the BSDs run.
#pragma once

#include <optional>
#include <string>

#include <sys/socket.h>
#include <sys/types.h>

#include <weir/address.hpp>

#include "driver.hpp"

namespace weir::platform {

// A socket that never blocks and is closed on exec; a negative errno if there is none.
int open_socket(int family, int type);

// Of a socket that is bound to an address with port 0: the port is chosen when it connects, and so may be
// one that is in use towards another target. Where the system knows no such thing, nothing.
void choose_port_late(int socket);

Accepted accept_one(int listener);

// Binds a Unix socket whose node has these permission bits, and never more, from its first instant.
// 0 or a negative errno.
int bind_unix(int socket, const sockaddr* address, socklen_t length, mode_t mode);

// Bytes sent, FIN included, that the peer's kernel does not have yet; on a Unix socket, that the peer has
// not read. Nothing where the system does not tell.
std::optional<std::uint32_t> unacknowledged(int socket);

// A pipe worth splicing through, and what Stream says of it. Null where the system cannot splice, has
// no large pipe left, or would kill the process with SIGPIPE for writing to a peer that is gone.
std::unique_ptr<Pipe> make_pipe();
IoResult splice_in(int socket, Pipe& pipe);
IoResult splice_out(int socket, Pipe& pipe);

// Of the peer of a Unix stream; empty where the system does not tell.
std::optional<Credentials> peer_credentials(int socket);

}  // namespace weir::platform
