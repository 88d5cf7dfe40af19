// Unix listeners: never more permissive than asked for, never stealing a live socket, never removing
// what is not a stale socket.
#include "listener.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <weir/text.hpp>

#include "platform.hpp"
#include "socket_options.hpp"
#include "units.hpp"
#include "url_query.hpp"

namespace weir {

namespace {

constexpr int kLockTries = 100;  // Of 20 ms: another server holds it only while it binds.
constexpr int kLockWait = 20;    // Milliseconds.

// Held while a path is probed and bound, so that of two servers exactly one gets it. The file is
// removed while still locked; who waited for it sees that its file is not the path's any more.
class PathLock {
 public:
  explicit PathLock(const Url& url) : path_(url.path() + ".lock") {
    for (int tries = 0; tries < kLockTries; ++tries) {
      open_file(url);
      if (file_ >= 0) {
        if (::flock(file_, LOCK_EX | LOCK_NB) == 0 && is_current()) return;
        ::close(file_);
      } else if (!std::filesystem::is_directory(std::filesystem::path(path_).parent_path())) {
        cannot_listen(url, ENOENT);
      }
      ::poll(nullptr, 0, kLockWait);
    }
    cannot_listen(url, EADDRINUSE, "another server is holding " + escape(path_));
  }
  ~PathLock() {
    if (made_) ::unlink(path_.c_str());  // One that was there before is somebody's.
    ::close(file_);
  }
  PathLock(const PathLock&) = delete;
  PathLock& operator=(const PathLock&) = delete;

 private:
  void open_file(const Url& url) {
    constexpr int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    file_ = ::open(path_.c_str(), flags | O_CREAT | O_EXCL, 0600);
    made_ = file_ >= 0;
    if (file_ < 0 && errno == EEXIST) file_ = ::open(path_.c_str(), flags);
    if (file_ >= 0 || errno == ENOENT) return;
    const int error = errno;
    cannot_listen(url, error,
                  "its lock " + escape(path_) + ": " + std::generic_category().message(error));
  }

  bool is_current() const {
    struct stat mine {};
    struct stat there {};
    return ::fstat(file_, &mine) == 0 && ::lstat(path_.c_str(), &there) == 0 &&
           mine.st_ino == there.st_ino && mine.st_dev == there.st_dev;
  }

  std::string path_;
  int file_ = -1;
  bool made_ = false;
};

struct UnixAddress {
  sockaddr_un address{};
  socklen_t length = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

// libuv and others cut a longer path silently and bind another one.
UnixAddress address_of(const Url& url) {
  UnixAddress result;
  const std::string& path = url.path();
  if (path.size() >= sizeof result.address.sun_path) {
    throw SetupError("cannot listen on " + escape(url.text()) + ": the path has " +
                     std::to_string(path.size()) + " bytes, this system allows " +
                     std::to_string(sizeof result.address.sun_path - 1));
  }
  result.address.sun_family = AF_UNIX;
  std::memcpy(result.address.sun_path, path.c_str(), path.size() + 1);
  result.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return result;
}

// Anything but a refusal counts as alive: a full backlog answers EAGAIN.
bool is_alive(const UnixAddress& address) {
  const int probe = platform::open_socket(AF_UNIX, SOCK_STREAM);
  if (probe < 0) return true;
  const bool refused = ::connect(probe, address.get(), address.length) < 0 && errno == ECONNREFUSED;
  ::close(probe);
  return !refused;
}

void remove_stale(const Url& url, const UnixAddress& address) {
  struct stat before {};
  if (::lstat(url.path().c_str(), &before) < 0) return;
  if (!S_ISSOCK(before.st_mode)) {
    cannot_listen(url, EADDRINUSE, "the path exists and is not a socket");
  }
  if (is_alive(address)) cannot_listen(url, EADDRINUSE, "a server is listening there");
  struct stat after {};
  if (::lstat(url.path().c_str(), &after) < 0) return;
  if (after.st_ino != before.st_ino || after.st_dev != before.st_dev) {
    cannot_listen(url, EADDRINUSE, "the path changed while it was looked at");
  }
  ::unlink(url.path().c_str());
}

// A group with many members needs more room than anybody would guess.
std::optional<gid_t> find_group(const std::string& name) {
  constexpr std::size_t most = 16 << 20;
  group entry{};
  group* found = nullptr;
  for (std::size_t room = 16 << 10; room <= most; room *= 2) {
    std::vector<char> space(room);
    if (::getgrnam_r(name.c_str(), &entry, space.data(), space.size(), &found) == ERANGE) continue;
    break;
  }
  return found == nullptr ? std::nullopt : std::optional(found->gr_gid);
}

gid_t group_of(const Url& url, const std::string& name) {
  if (const auto known = find_group(name)) return *known;
  constexpr std::int64_t most = 0xffff'fffe;  // The next one means "as it is" to chown.
  const auto number = parse_number(name);
  if (!number || *number < 0 || *number > most) {
    throw SetupError("cannot listen on " + escape(url.text()) + ": there is no group \"" +
                     escape(name) + "\"");
  }
  return static_cast<gid_t>(*number);
}

// The group first, and only then bits that the umask took or that are for the group.
void widen(const Url& url, mode_t mode) {
  const char* const path = url.path().c_str();
  if (const auto group = socket_settings(url).group) {
    if (::lchown(path, static_cast<uid_t>(-1), group_of(url, *group)) < 0) {
      cannot_listen(url, errno);
    }
  }
  struct stat node {};
  if (::lstat(path, &node) < 0) cannot_listen(url, errno);
  if ((node.st_mode & 0777) != mode && ::chmod(path, mode) < 0) cannot_listen(url, errno);
}

}  // namespace

BoundSocket bind_unix_url(const Url& url) {
  const UnixAddress address = address_of(url);
  const mode_t mode = socket_settings(url).mode.value_or(0600);
  const PathLock lock(url);
  const int socket = platform::open_socket(AF_UNIX, SOCK_STREAM);
  if (socket < 0) cannot_listen(url, -socket);
  BoundSocket bound(socket, url);
  const std::string fault = apply_socket_options(socket, url);
  if (!fault.empty()) cannot_listen(url, errno, fault);

  int result = platform::bind_unix(socket, address.get(), address.length, mode & 0600);
  if (result == -EADDRINUSE) {
    remove_stale(url, address);
    result = platform::bind_unix(socket, address.get(), address.length, mode & 0600);
  }
  if (result < 0) cannot_listen(url, -result);
  bound.owns_node();
  widen(url, mode);
  // Before the lock is given up: a bound socket that does not listen yet looks stale.
  if (::listen(socket, backlog_of(url)) < 0) cannot_listen(url, errno);
  return bound;
}

}  // namespace weir
