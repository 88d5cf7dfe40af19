// Waiting for sockets, for wake-ups and for libuv, whose loop supplies lookups, threads and signals.
// Both headers have the same three classes: Reactor, Watch and ReactorStream.
#pragma once

#ifdef WEIR_PORTABLE
#include "reactor_portable.hpp"
#else
#include "reactor_linux.hpp"
#endif
