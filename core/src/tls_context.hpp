// The settings of every context, of either side: what an expert would set, and what a person has set.
#pragma once

#include <string>

#include "tls_handle.hpp"
#include "tls_options.hpp"

namespace weir {

// Throws SetupError for a word in the rules that OpenSSL does not know.
SslContext make_context(const SSL_METHOD* method, const TlsRules& rules);

// As ALPN sends it: each name behind its length.
std::string alpn_wire(const std::vector<std::string>& names);

}  // namespace weir
