#include "log_writer.hpp"

#include <cstdlib>

#include <sys/stat.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "log_channel.hpp"

namespace weir {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kTextPattern = "%Y-%m-%dT%H:%M:%S.%e%z %v";
constexpr const char* kJsonPattern = "{\"time\":\"%Y-%m-%dT%H:%M:%S.%e%z\",%v}";
constexpr const char* kBarePattern = "%v";

std::string_view name_of(Level level) {
  constexpr std::string_view names[] = {"trace", "debug", "info", "warn", "error"};
  return names[static_cast<std::size_t>(level)];
}

// As sd-daemon(3) has them.
std::string_view priority_of(Level level) {
  constexpr std::string_view priorities[] = {"<7>", "<7>", "<6>", "<4>", "<3>"};
  return priorities[static_cast<std::size_t>(level)];
}

// Whether standard error is the journal: JOURNAL_STREAM names its device and inode.
bool goes_to_journal() {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat about {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &about) < 0) return false;
  return stream == std::to_string(about.st_dev) + ":" + std::to_string(about.st_ino);
}

Json to_json(const ConnectionEnd& end) {
  Json json{{"id", end.id},
            {"listener", end.listener.empty() ? Json() : Json(end.listener)},
            {"peer", end.peer.text()},
            {"local", end.local.text()},
            {"bytes_in", end.bytes_in},
            {"bytes_out", end.bytes_out},
            {"duration_ms", end.duration.count()},
            {"reason", std::string(name(end.reason.code))},
            {"side", end.reason.side == CloseReason::Side::us ? "us" : "peer"}};
  if (end.reason.error != 0) json["errno"] = end.reason.error;
  return json;
}

// The inside of an object; the pattern has its braces.
std::string json_text(const LogLine& line) {
  Json json{{"level", std::string(name_of(line.level))},
            {"service", std::string(line.service)},
            {"message", std::string(line.text)}};
  if (line.ended != nullptr) json["connection"] = to_json(*line.ended);
  const std::string object = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  return object.substr(1, object.size() - 2);
}

std::string counted(std::uint64_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

LogWriter::LogWriter(const std::string& file, bool json)
    : file_(file), json_(json), journal_(file.empty() && !json && goes_to_journal()) {
  if (!file_.empty()) log_ = make_log();  // So that a file that cannot be had is told at once.
}

LogWriter::~LogWriter() = default;

std::unique_ptr<LogChannel> LogWriter::make_log() const {
  const char* const pattern = json_ ? kJsonPattern : journal_ ? kBarePattern : kTextPattern;
  const auto notice = [this](std::uint64_t lines) {
    const std::string text = counted(lines, "log line") + " dropped";
    return formed({Level::warn, "weir", text});
  };
  return std::make_unique<LogChannel>(file_, STDERR_FILENO, pattern, notice);
}

LogChannel& LogWriter::log() {
  const std::lock_guard lock(mutex_);
  if (log_ == nullptr) log_ = make_log();
  return *log_;
}

LogSink LogWriter::log_sink() {
  return [this](const LogLine& line) { log().put(formed(line)); };
}

std::string LogWriter::formed(const LogLine& line) const {
  if (json_) return json_text(line);
  std::string text(journal_ ? priority_of(line.level) : name_of(line.level));
  if (!journal_) text += ' ';
  return text.append(line.service).append(": ").append(line.text);
}

std::function<void(std::string_view)> LogWriter::print_sink() {
  return [this](std::string_view line) { output().put(line); };
}

// A reader of records expects nothing else: what was dropped is told in the log.
LogChannel& LogWriter::output() {
  const std::lock_guard lock(mutex_);
  if (output_ == nullptr) {
    const auto tell = [this](std::uint64_t lines) {
      const std::string text = counted(lines, "line") + " of standard output dropped";
      log().put(formed({Level::warn, "weir", text}));
    };
    output_ = std::make_unique<LogChannel>("", STDOUT_FILENO, kBarePattern, nullptr, tell);
  }
  return *output_;
}

void LogWriter::reopen() { log().reopen(); }

std::uint64_t LogWriter::dropped() const {
  const std::lock_guard lock(mutex_);
  return (log_ == nullptr ? 0 : log_->dropped()) + (output_ == nullptr ? 0 : output_->dropped());
}

}  // namespace weir
