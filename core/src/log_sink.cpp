#include "log_sink.hpp"

#include <memory>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace weir {

namespace {

spdlog::level::level_enum level_of(Level level) {
  switch (level) {
    case Level::trace:
      return spdlog::level::trace;
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

// The words of --log-level; spdlog would say "warning".
std::string_view name_of(Level level) {
  constexpr std::string_view names[] = {"trace", "debug", "info", "warn", "error"};
  return names[static_cast<std::size_t>(level)];
}

}  // namespace

LogSink standard_error_sink() {
  const auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  const auto logger = std::make_shared<spdlog::logger>("weir", sink);
  logger->set_level(spdlog::level::trace);  // The loop has dropped what is below its level.
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %v");
  return [logger](Level level, std::string_view line) {
    logger->log(level_of(level), "{} {}", name_of(level), line);
  };
}

}  // namespace weir
