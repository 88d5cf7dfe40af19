#include "log_sink.hpp"

#include <memory>
#include <mutex>
#include <string>

#include <poll.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

namespace weir {

namespace {

// Writes a line only where it cannot block: a reader that has stopped must not stop the loops. A line
// is shorter than what a pipe that is ready for writing takes whole. What was dropped is told in the
// next line that goes through.
class StandardErrorSink final : public spdlog::sinks::base_sink<std::mutex> {
 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    pollfd look{STDERR_FILENO, POLLOUT, 0};
    if (::poll(&look, 1, 0) <= 0) {
      ++dropped_;
      return;
    }
    spdlog::memory_buf_t line;
    if (dropped_ > 0) {
      const std::string told = "warn weir: " + std::to_string(dropped_) + " log lines dropped\n";
      line.append(told.data(), told.data() + told.size());
      dropped_ = 0;
    }
    formatter_->format(message, line);
    // Nobody is left to be told of a log that cannot be written.
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
  }
  void flush_() override {}

  std::size_t dropped_ = 0;
};

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
  const auto sink = std::make_shared<StandardErrorSink>();
  const auto logger = std::make_shared<spdlog::logger>("weir", sink);
  logger->set_level(spdlog::level::trace);  // The loop has dropped what is below its level.
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %v");
  return [logger](Level level, std::string_view line) {
    logger->log(level_of(level), "{} {}", name_of(level), line);
  };
}

}  // namespace weir
