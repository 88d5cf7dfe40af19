#include "terminal.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

namespace weir::program {

void open_standard_descriptors() {
  for (int descriptor = 0; descriptor <= 2; ++descriptor) {
    if (fcntl(descriptor, F_GETFD) != -1 || errno != EBADF) continue;
    // The lowest free number is this one: those below are open already.
    if (open("/dev/null", O_RDWR) != descriptor) std::abort();
  }
}

bool has_colours(int descriptor) {
  const char* const refused = std::getenv("NO_COLOR");
  const char* const terminal = std::getenv("TERM");
  return isatty(descriptor) == 1 && (refused == nullptr || *refused == '\0') &&
         terminal != nullptr && std::string_view(terminal) != "dumb";
}

int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t taken = write(descriptor, text.data(), text.size());
    if (taken >= 0) {
      text.remove_prefix(static_cast<std::size_t>(taken));
    } else if (errno == EAGAIN) {
      // Whoever shares the terminal or pipe with us may have made it non-blocking.
      pollfd wait{descriptor, POLLOUT, 0};
      poll(&wait, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

Exit fail(Exit code, std::string_view sentence) {
  // In one write, so that lines of several processes on one terminal stay whole.
  write_all(STDERR_FILENO, "weir: " + std::string(sentence) + "\n");
  return code;
}

Exit print(std::string_view text) {
  const int error = write_all(STDOUT_FILENO, text);
  // A reader that has seen enough is no fault: "weir protocols | head -1".
  if (error == 0 || error == EPIPE) return kDone;
  return fail(kSystem, "cannot write standard output: " + std::generic_category().message(error));
}

}  // namespace weir::program
