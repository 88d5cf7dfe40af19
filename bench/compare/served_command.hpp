// A server that is started from a command line, for as long as it is measured.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include <weir/url.hpp>

namespace weir::load {

// Runs the command in a shell, in a process group of its own. In the command {port} stands for a free port
// of 127.0.0.1, where the server is then expected; without it, the first line of its standard output has to
// be "ready PROTOCOL URL". What it writes otherwise goes to standard error. Ends it with its group.
class ServedCommand {
 public:
  // Waits until it can be connected to, for 10 s at most. `cpu` -1 is any. Throws SetupError.
  ServedCommand(const std::string& command, int cpu);
  ~ServedCommand();
  ServedCommand(const ServedCommand&) = delete;
  ServedCommand& operator=(const ServedCommand&) = delete;

  const Url& url() const { return url_; }
  std::vector<int> pids() const;  // Who listens there.

 private:
  void start(const std::string& command, int cpu);
  std::string first_line();
  void wait_until_listening(const std::string& command);
  void stop();

  Url url_;
  pid_t group_ = -1;
  int output_ = -1;  // The read end of its standard output.
};

}  // namespace weir::load
