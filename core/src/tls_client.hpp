// The dialling side of TLS. What is read and what is remembered is kept for the process: contexts by
// their options, sessions by these and the target.
#pragma once

#include <chrono>
#include <memory>

#include "tls_options.hpp"
#include "tls_source.hpp"

namespace weir {

// Throws SetupError, which names file and reason. Cheap if the options are known: at most once a
// second the files are looked at, and read again if they have changed. Any thread.
WEIR_API std::shared_ptr<TlsSource> tls_dial(
    const TlsDialOptions& options,
    std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now());

// For start_tls, both roles; kept likewise.
WEIR_API std::shared_ptr<TlsSource> tls_upgrade(const TlsOptions& options);

}  // namespace weir
