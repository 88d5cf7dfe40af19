// A descriptor that lines are written to from a queue.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <weir/base.hpp>

namespace spdlog {
class logger;
namespace details {
class thread_pool;
}
}  // namespace spdlog

namespace weir {

class LogFile;

class LogChannel {
 public:
  // How many lines were dropped, told in front of the next one, or elsewhere after it. Either may be
  // empty. Called on the channel's thread.
  using Notice = std::function<std::string(std::uint64_t dropped)>;
  using Tell = std::function<void(std::uint64_t dropped)>;

  // `file` is appended to; empty: the descriptor is written to. The pattern is spdlog's. Throws
  // SetupError if the file cannot be opened.
  LogChannel(const std::string& file, int descriptor, const std::string& pattern, Notice notice,
             Tell tell = {});
  ~LogChannel();  // Writes what waits, within a bound.
  LogChannel(const LogChannel&) = delete;
  LogChannel& operator=(const LogChannel&) = delete;

  void put(std::string_view line);  // Any thread.
  void reopen();                    // Any thread.
  std::uint64_t dropped() const;    // Any thread.

 private:
  std::shared_ptr<LogFile> file_;
  std::shared_ptr<spdlog::details::thread_pool> pool_;
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace weir
