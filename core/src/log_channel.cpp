#include "log_channel.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <ctime>
#include <functional>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <spdlog/async.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <weir/text.hpp>

#include "log_writer.hpp"

namespace weir {

namespace {

using Clock = std::chrono::steady_clock;

int open_file(const std::string& name) {
  // Not blocking, or a FIFO that nobody reads would stop the server; a file does not care.
  return ::open(name.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640);
}

std::string reason(int error) { return std::generic_category().message(error); }

void complain(const std::string& sentence) {
  const std::string line = "weir: " + sentence + "\n";
  pollfd look{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&look, 1, 0) <= 0) return;
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace

// Used by the channel's one thread, but for what says otherwise. A line that cannot be written is
// dropped and counted; the next one that can tells how many there were.
class LogFile final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  LogFile(std::string name, int descriptor, LogChannel::Notice notice, LogChannel::Tell tell)
      : name_(std::move(name)),
        descriptor_(descriptor),
        notice_(std::move(notice)),
        tell_(std::move(tell)) {
    if (name_.empty()) return;
    descriptor_ = open_file(name_);
    if (descriptor_ >= 0) return;
    throw SetupError("cannot open the log " + escape(name_) + ": " + reason(errno),
                     SetupError::Kind::creation);
  }
  ~LogFile() override {
    if (!name_.empty()) ::close(descriptor_);
  }
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  void watch(std::function<std::size_t()> overruns) { overruns_ = std::move(overruns); }

  // Any thread.
  void reopen() { reopen_ = true; }
  void finish() {
    finish_by_ = (Clock::now() + LogWriter::kLastPatience).time_since_epoch().count();
  }
  std::uint64_t dropped() const { return dropped_; }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (reopen_.exchange(false)) open_again();
    count_overruns();
    spdlog::memory_buf_t line;
    const std::uint64_t dropped = dropped_;
    const std::uint64_t news = dropped - told_;
    if (news > 0 && notice_) {
      const std::string text = notice_(news);
      formatter_->format({"weir", spdlog::level::warn, text}, line);
    }
    formatter_->format(message, line);
    if (!write_all(line.data(), line.size())) {
      ++dropped_;
      return;  // The notice is lost with it, and comes again.
    }
    told_ = dropped;
    if (news > 0 && tell_) tell_(news);
  }
  void flush_() override {}

  void open_again() {
    if (name_.empty()) return;
    const int next = open_file(name_);
    if (next < 0) {
      return complain("cannot open the log " + escape(name_) + " again: " + reason(errno) +
                      "; it goes on in the old file");
    }
    ::close(std::exchange(descriptor_, next));
  }

  void count_overruns() {
    const std::size_t now = overruns_();
    dropped_ += now - std::exchange(overrun_, now);
  }

  bool write_all(const char* at, std::size_t size) {
    if (broken_ && write_all_of("\n", 1) > 0) return false;
    const std::size_t left = write_all_of(at, size);
    broken_ = left > 0 && left < size;
    return left == 0;
  }

  // Returns how much could not be written.
  std::size_t write_all_of(const char* at, std::size_t size) {
    while (size > 0) {
      if (!wait()) return size;
      const ssize_t written = ::write(descriptor_, at, size);
      if (written < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (written < 0) {
        failed(errno);
        return size;
      }
      at += written;
      size -= static_cast<std::size_t>(written);
    }
    failing_ = false;
    return 0;
  }

  // Until the descriptor takes something, if that does not take too long.
  bool wait() const {
    Millis patience = LogWriter::kPatience;
    const Clock::rep by = finish_by_;
    if (by != 0) {
      const auto left = Clock::time_point(Clock::duration(by)) - Clock::now();
      patience = std::clamp(std::chrono::duration_cast<Millis>(left), Millis{0}, patience);
    }
    pollfd look{descriptor_, POLLOUT, 0};
    return ::poll(&look, 1, static_cast<int>(patience.count())) != 0;
  }

  void failed(int error) {
    if (std::exchange(failing_, true) || name_.empty()) return;
    complain("cannot write the log " + escape(name_) + ": " + reason(error) +
             "; its lines are dropped until that works again");
  }

  const std::string name_;
  int descriptor_;
  const LogChannel::Notice notice_;
  const LogChannel::Tell tell_;
  std::function<std::size_t()> overruns_;
  std::size_t overrun_ = 0;
  std::uint64_t told_ = 0;
  bool failing_ = false;
  bool broken_ = false;  // The last line was cut off in the middle.
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<bool> reopen_{false};
  std::atomic<Clock::rep> finish_by_{0};
};

LogChannel::LogChannel(const std::string& file, int descriptor, const std::string& pattern,
                       Notice notice, Tell tell)
    : file_(std::make_shared<LogFile>(file, descriptor, std::move(notice), std::move(tell))),
      pool_(std::make_shared<spdlog::details::thread_pool>(LogWriter::kQueueMax, 1)),
      logger_(std::make_shared<spdlog::async_logger>(
          "weir", file_, pool_, spdlog::async_overflow_policy::overrun_oldest)) {
  ::tzset();  // Or the first line would open a file for it, at a time nobody expects.
  file_->watch([pool = std::weak_ptr(pool_), last = std::size_t{0}]() mutable {
    if (const auto alive = pool.lock()) last = alive->overrun_counter();
    return last;
  });
  file_->set_pattern(pattern);
  logger_->set_level(spdlog::level::trace);  // The loops have dropped what is below their level.
}

// The pool's end waits for its thread, which writes what is left in the queue.
LogChannel::~LogChannel() {
  file_->finish();
  logger_.reset();
  pool_.reset();
}

void LogChannel::put(std::string_view line) {
  logger_->log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

void LogChannel::reopen() { file_->reopen(); }

std::uint64_t LogChannel::dropped() const { return file_->dropped(); }

}  // namespace weir
