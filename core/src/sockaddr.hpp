// Between Address and what the system's calls take.
#pragma once

#include <sys/socket.h>

#include <weir/address.hpp>

namespace weir {

// Fills `to` and returns how many bytes of it count; 0 for what has no such form: no address, and
// Unix sockets, whose path an Address does not hold.
WEIR_API socklen_t to_sockaddr(const Address& from, sockaddr_storage& to);

// An IPv6 address that only wraps an IPv4 one becomes the latter, so that a peer looks the same on
// a dual-stack listener as on an IPv4 one. Too short or another family: Family::none.
WEIR_API Address from_sockaddr(const sockaddr* from, socklen_t length);

}  // namespace weir
