#include <weir/close_reason.hpp>

#include <algorithm>
#include <system_error>

namespace weir {

std::string_view name(CloseReason::Code code) {
  using Code = CloseReason::Code;
  switch (code) {
    case Code::ended:
      return "ended";
    case Code::reset:
      return "reset";
    case Code::idle:
      return "idle";
    case Code::first_byte:
      return "first_byte";
    case Code::line_time:
      return "line_time";
    case Code::write_stall:
      return "write_stall";
    case Code::half_closed:
      return "half_closed";
    case Code::linger:
      return "linger";
    case Code::handshake:
      return "handshake";
    case Code::connect_refused:
      return "connect_refused";
    case Code::connect_timeout:
      return "connect_timeout";
    case Code::unresolved:
      return "unresolved";
    case Code::no_local_port:
      return "no_local_port";
    case Code::read_overflow:
      return "read_overflow";
    case Code::write_overflow:
      return "write_overflow";
    case Code::memory:
      return "memory";
    case Code::limit:
      return "limit";
    case Code::tls:
      return "tls";
    case Code::tls_truncated:
      return "tls_truncated";
    case Code::tls_injection:
      return "tls_injection";
    case Code::handler_threw:
      return "handler_threw";
    case Code::refused:
      return "refused";
    case Code::stopping:
      return "stopping";
    case Code::moved:
      return "moved";
  }
  return "unknown";  // A number that came from outside, such as another process's.
}

std::string CloseReason::text() const {
  std::string text(name(code));
  std::replace(text.begin(), text.end(), '_', ' ');
  if (side == Side::peer) text += " by peer";
  if (error != 0) text += ": " + std::generic_category().message(error);
  return text;
}

}  // namespace weir
