// Reads the files of TLS: with a bound, secrets only if nobody else can read them, and so that a
// change is noticed later.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include <weir/base.hpp>

namespace weir {

// Which file it was that a path led to.
struct FileStamp {
  std::string path;
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t modified = 0;  // Nanoseconds.

  bool operator==(const FileStamp&) const = default;
};

// Whether the path leads to something else by now, or to nothing. May block.
bool has_changed(const FileStamp& stamp);

// A file's text, which is wiped when it is not needed any more.
class FileText {
 public:
  FileText() = default;
  FileText(std::string text, FileStamp stamp) : text_(std::move(text)), stamp_(std::move(stamp)) {}
  ~FileText();
  FileText(FileText&&) = default;
  FileText& operator=(FileText&&) = delete;

  const std::string& text() const { return text_; }
  const FileStamp& stamp() const { return stamp_; }

 private:
  std::string text_;
  FileStamp stamp_;
};

enum class Secrecy : std::uint8_t { open, secret };

// Throws SetupError, which says that `what` ("certificate", "key", ...) cannot be used and why.
FileText read_file(std::string_view what, const std::string& path, Secrecy secrecy);

[[noreturn]] void cannot_use(std::string_view what, const std::string& path,
                             const std::string& reason,
                             SetupError::Kind kind = SetupError::Kind::usage);

}  // namespace weir
