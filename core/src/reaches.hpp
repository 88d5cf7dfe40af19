// Whether an address is one that a listener of ours has.
#pragma once

#include <weir/address.hpp>
#include <weir/url.hpp>

namespace weir {

// A TCP listener; its host is an address or "*", and so never a name that would have to be looked up.
bool covers(const Url& listener, const Address& address);

}  // namespace weir
