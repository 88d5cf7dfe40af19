// What the process knows that nobody else should.
#pragma once

#include <span>

#include <weir/server.hpp>

namespace weir::program {

// From now on the system writes no core dump of this process, and no other process of the same user may
// look into it. Only root can then debug it. Does nothing where the system cannot; any thread.
void keep_memory_private();

// Does so if any of them listens or dials with TLS, and so will hold a private key or a session's.
void keep_keys_private(std::span<const Listen> services);

}  // namespace weir::program
