#include "settings.hpp"

namespace weir::program {

namespace {

constexpr Millis kOff{0};
constexpr Millis kShortest{1};
constexpr Millis kLongest = std::chrono::hours(24 * 24);  // 2^31 ms is a little more.
constexpr std::size_t kLargest = 1 << 30;

Level level_named(std::string_view name) {
  if (name == "trace") return Level::trace;
  if (name == "debug") return Level::debug;
  if (name == "warn") return Level::warn;
  if (name == "error") return Level::error;
  return Level::info;
}

}  // namespace

void ProcessSettings::read(OptionReader& in) {
  in.number("loops", loops, 0, 256, "threads that serve; 0 is one per CPU it may use");
  in.number("connections", connections, 0, 10'000'000,
            "most connections at once; 0 is what the descriptor limit allows");
  in.number("pipes-max", pipes_max, 0, 128,
            "pipes that a forwarder may splice streams through; 0 copies always");
  in.duration("drain", drain, kShortest, kLongest, "from the first TERM to the end by force");
  in.flag("trace", trace, "write every callback and its bytes to the log");
  in.choice("log-level", level, {"trace", "debug", "info", "warn", "error"},
            "least level of what is logged");
  in.choice("log-format", log_format, {"text", "json"}, "how each line of the log is written");
  in.text("log-file", log_file,
          "where the log goes, in place of standard error; USR1 opens it again");
  in.flag("access-log", access_log, "log a line for each connection when it has ended");
  in.flag("once", once, "accept one connection, and stop when it has ended");
}

void ServiceSettings::read(OptionReader& in) {
  in.size("write-high", limits.write_high, 1, kLargest, "unsent bytes above which reading stops");
  in.size("write-low", limits.write_low, 0, kLargest, "unsent bytes at which it goes on");
  in.size("write-max", limits.write_max, 1, kLargest,
          "unsent bytes above which a connection is ended");
  in.size("unread-max", limits.unread_max, 1, kLargest,
          "unused input above which a connection is ended");
  in.duration("first-byte", timeouts.first_byte, kOff, kLongest, "wait for a peer's first byte");
  in.duration("unfinished", timeouts.unfinished, kOff, kLongest, "time for a whole line or frame");
  in.duration("idle", timeouts.idle, kOff, kLongest, "silence both ways that ends a connection");
  in.duration("write-stall", timeouts.write_stall, kOff, kLongest,
              "wait for a peer that takes nothing of what is pending");
  in.duration("half-closed", timeouts.half_closed, kOff, kLongest,
              "silence in one direction after the other has ended");
  in.duration("linger", timeouts.linger, kOff, kLongest,
              "silence of a peer that does not answer our end");
  in.duration("linger-total", timeouts.linger_total, kOff, kLongest, "the same, in all");
  in.duration("handshake", timeouts.handshake, kOff, kLongest, "time for a TLS handshake");
}

ServerOptions ProcessSettings::options() const {
  ServerOptions options;
  options.loops = static_cast<unsigned>(loops);
  options.connections = static_cast<std::size_t>(connections);
  options.pipes_max = static_cast<std::size_t>(pipes_max);
  options.drain = drain;
  options.trace = trace;
  options.level = level_named(level);
  options.log_json = log_format == "json";
  options.log_file = log_file;
  options.access_log = access_log;
  options.accepts = once ? 1 : 0;
  return options;
}

}  // namespace weir::program
