// Why a connection ended. Always set when on_close is called.
#pragma once

#include <string>

#include <weir/base.hpp>

namespace weir {

struct WEIR_API CloseReason {
  enum class Code : std::uint8_t {
    ended,            // Both directions were finished in order.
    reset,            // The peer reset the connection, or abort() was called here.
    idle,             // No byte either way for the idle time.
    first_byte,       // The peer sent nothing for the first-byte time.
    line_time,        // A line or frame was begun and not finished in its time.
    write_stall,      // The peer took no byte of what is pending for the stall time.
    half_closed,      // One direction had ended and the other stayed silent.
    linger,           // After close() the peer did not answer the FIN in time.
    handshake,        // The TLS handshake failed or took too long.
    connect_refused,  // No address could be reached; the error is the last one's.
    connect_timeout,  // No address answered before the deadline, the lookup included.
    unresolved,       // The name has no address, or the lookup failed.
    no_local_port,    // This side ran out of ports or addresses to dial from.
    read_overflow,    // More unused bytes than unread_max.
    write_overflow,   // More pending bytes than write_max, for more than a turn.
    memory,           // The process's memory limit.
    limit,            // A connection limit.
    tls,              // A TLS error after the handshake.
    tls_truncated,    // A FIN without close_notify.
    tls_injection,    // Bytes were buffered before start_tls.
    handler_threw,    // A callback threw.
    refused,          // accept() returned null.
    stopping,         // The server stops.
    moved,            // The connection lives on in another loop or process.
  };

  enum class Side : std::uint8_t { us, peer };

  Code code = Code::ended;
  Side side = Side::us;  // Who brought it about.
  int error = 0;         // errno where there was one.

  // "idle", "reset by peer: Connection reset by peer", ...
  std::string text() const;
};

WEIR_API std::string_view name(CloseReason::Code code);

}  // namespace weir
