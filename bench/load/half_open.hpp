// Connections whose one end is gone, and the other does not know (RFC 9293, 3.5.1).
#pragma once

#include <string>

#include <weir/url.hpp>

namespace weir::load {

// Connects, sends the text, and lets go of the socket without a FIN or a reset. Blocks for at most 5 s.
// Returns "" or what went wrong; Linux only, and it takes CAP_NET_ADMIN. The host is an address.
std::string connect_and_vanish(const Url& to, const std::string& text);

}  // namespace weir::load
