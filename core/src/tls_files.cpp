#include "tls_files.hpp"

#include <cerrno>
#include <optional>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include <weir/text.hpp>

namespace weir {

namespace {

constexpr off_t kFileMost = 16 << 20;  // Bundles of authorities have some hundred KiB.

class Descriptor {
 public:
  explicit Descriptor(const std::string& path)
      // A pipe would let the open wait for a writer.
      : number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int number() const { return number_; }

 private:
  int number_;
};

FileStamp stamp_of(const std::string& path, const struct stat& node) {
#ifdef __APPLE__
  const timespec& modified = node.st_mtimespec;
#else
  const timespec& modified = node.st_mtim;
#endif
  constexpr std::int64_t kNanos = 1'000'000'000;
  return {path, node.st_dev, node.st_ino, node.st_size,
          static_cast<std::int64_t>(modified.tv_sec) * kNanos + modified.tv_nsec};
}

[[noreturn]] void system_refuses(std::string_view what, const std::string& path, int error) {
  const bool absent = error == ENOENT || error == ENOTDIR;
  const bool forbidden = error == EACCES || error == EPERM;
  cannot_use(what, path, std::generic_category().message(error),
             absent      ? SetupError::Kind::usage
             : forbidden ? SetupError::Kind::permission
                         : SetupError::Kind::system);
}

std::string octal(mode_t mode) {
  std::string digits;
  for (int shift = 9; shift >= 0; shift -= 3) digits += "01234567"[mode >> shift & 7];
  return digits;
}

// A group may read, for that is how a key is shared with one service.
void check_private(std::string_view what, const std::string& path, mode_t mode) {
  constexpr mode_t kOthersRead = S_IROTH;
  constexpr mode_t kOthersWrite = S_IWOTH | S_IWGRP;
  if ((mode & (kOthersRead | kOthersWrite)) == 0) return;
  const std::string verb = (mode & kOthersRead) != 0 ? "read" : "write";
  cannot_use(what, path,
             "others can " + verb + " it (mode " + octal(mode & 07777) +
                 "); to mend that: chmod 600 " + escape(path));
}

std::optional<std::string> read_all(int file, off_t size) {
  std::string text(static_cast<std::size_t>(size), '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const ssize_t got = ::read(file, text.data() + have, text.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return {};
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  text.resize(have);
  return text;
}

}  // namespace

void cannot_use(std::string_view what, const std::string& path, const std::string& reason,
                SetupError::Kind kind) {
  throw SetupError("cannot use the " + std::string(what) + ' ' + escape(path) + ": " + reason,
                   kind);
}

bool has_changed(const FileStamp& stamp) {
  struct stat node {};
  return ::stat(stamp.path.c_str(), &node) < 0 || stamp_of(stamp.path, node) != stamp;
}

FileText::~FileText() { OPENSSL_cleanse(text_.data(), text_.capacity()); }

FileText read_file(std::string_view what, const std::string& path, Secrecy secrecy) {
  const Descriptor file(path);
  if (file.number() < 0) system_refuses(what, path, errno);
  struct stat node {};
  if (::fstat(file.number(), &node) < 0) system_refuses(what, path, errno);
  if (!S_ISREG(node.st_mode)) cannot_use(what, path, "it is not a regular file");
  if (secrecy == Secrecy::secret) check_private(what, path, node.st_mode);
  if (node.st_size > kFileMost) cannot_use(what, path, "it has more than 16 MiB");
  auto text = read_all(file.number(), node.st_size);
  if (!text) system_refuses(what, path, errno);
  return {std::move(*text), stamp_of(path, node)};
}

}  // namespace weir
