// The log and the services' output, written by threads of their own: a loop never waits for a disk, a
// terminal or a reader that has stopped.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include <weir/loop.hpp>

namespace weir {

class LogChannel;

class LogWriter {
 public:
  static constexpr std::size_t kQueueMax =
      4'096;                                     // Lines that wait; the oldest make room for more.
  static constexpr Millis kPatience{1'000};      // With a reader that takes nothing, for a line.
  static constexpr Millis kLastPatience{2'000};  // At the end, for all that waits.

  // To a file, which is appended to, or to standard error. There the journal's priorities take the
  // place of time and level, if that is where standard error goes. Throws SetupError if the file cannot
  // be opened.
  LogWriter(const std::string& file, bool json);
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // Both may be called on any thread and never block.
  LogSink log_sink();
  std::function<void(std::string_view)> print_sink();

  void reopen();                  // The file, by its name, before the next line.
  std::uint64_t dropped() const;  // Lines that were not written.

 private:
  LogChannel& log();
  LogChannel& output();
  std::unique_ptr<LogChannel> make_log() const;
  std::string formed(const LogLine& line) const;

  const std::string file_;
  const bool json_;
  const bool journal_;
  // Of the next two, which are made when they are needed: each has a thread.
  mutable std::mutex mutex_;
  std::unique_ptr<LogChannel> log_;
  std::unique_ptr<LogChannel> output_;
};

}  // namespace weir
