#include "served_command.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <system_error>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bench/doctor/listeners.hpp>
#include <bench/load/machine.hpp>
#include <weir/base.hpp>
#include <weir/text.hpp>

namespace weir::load {

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kStartMost = std::chrono::seconds(10);
constexpr auto kStopMost = std::chrono::seconds(5);
constexpr auto kBetweenLooks = std::chrono::milliseconds(5);
constexpr std::string_view kPort = "{port}";

[[noreturn]] void refuse(const std::string& command, const std::string& why) {
  throw SetupError('"' + escape(command, 200) + "\": " + why, SetupError::Kind::unavailable);
}

// Below the range that clients are given, or a client that was just there would keep it in TIME_WAIT.
int free_port() {
  constexpr int first = 20'000;
  constexpr int last = 29'999;
  static int next = first + static_cast<int>(::getpid() % (last - first));
  for (int tries = 0; tries <= last - first; ++tries) {
    const int port = next;
    next = next == last ? first : next + 1;
    const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    const bool is_free = ::bind(probe, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(probe);
    if (is_free) return port;
  }
  throw SetupError("no port from 20000 to 29999 is free", SetupError::Kind::system);
}

std::string with_port(std::string command, int port) {
  const std::string number = std::to_string(port);
  for (std::size_t at = command.find(kPort); at != std::string::npos;
       at = command.find(kPort, at + number.size())) {
    command.replace(at, kPort.size(), number);
  }
  return command;
}

// In the child, where nothing but system calls is safe.
[[noreturn]] void become(const char* command, int output) {
  ::setpgid(0, 0);
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGPIPE, SIG_DFL);
  ::dup2(output, STDOUT_FILENO);
  ::execl("/bin/sh", "sh", "-c", command, static_cast<char*>(nullptr));
  ::_exit(127);
}

}  // namespace

ServedCommand::ServedCommand(const std::string& command, int cpu) {
  const bool has_port = command.find(kPort) != std::string::npos;
  const int port = has_port ? free_port() : 0;
  start(has_port ? with_port(command, port) : command, cpu);
  try {
    if (has_port) {
      url_ = Url::parse("tcp://127.0.0.1:" + std::to_string(port));
    } else {
      const std::string line = first_line();
      const std::size_t blank = line.rfind(' ');
      if (!line.starts_with("ready ") || blank == std::string::npos) {
        refuse(command, "it neither names {port} nor says \"ready PROTOCOL URL\" first, but \"" +
                            escape(line, 100) + '"');
      }
      url_ = Url::parse(line.substr(blank + 1));
    }
    wait_until_listening(command);
  } catch (...) {
    stop();
    throw;
  }
}

ServedCommand::~ServedCommand() { stop(); }

void ServedCommand::start(const std::string& command, int cpu) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw SetupError("no pipe", SetupError::Kind::system);
  output_ = ends[0];
  const std::string run = "exec " + command;
  group_ = ::fork();
  if (group_ == 0) {
    try {
      if (cpu >= 0) pin_to_cpu(cpu);
    } catch (const SetupError&) {
      ::_exit(126);
    }
    become(run.c_str(), ends[1]);
  }
  ::close(ends[1]);
  if (group_ < 0) throw SetupError("no process can be started", SetupError::Kind::system);
  ::setpgid(group_, group_);
}

std::string ServedCommand::first_line() {
  std::string line;
  const auto deadline = Clock::now() + kStartMost;
  while (Clock::now() < deadline && line.size() < 4'096) {
    pollfd ready{output_, POLLIN, 0};
    if (::poll(&ready, 1, 100) == 0) continue;
    char letter = 0;
    if (::read(output_, &letter, 1) != 1 || letter == '\n') break;
    line += letter;
  }
  return line;
}

void ServedCommand::wait_until_listening(const std::string& command) {
  const auto deadline = Clock::now() + kStartMost;
  while (pids().empty()) {
    int status = 0;
    if (::waitpid(group_, &status, WNOHANG) == group_) {
      group_ = -1;
      refuse(command, WIFEXITED(status)
                          ? "it ended with " + std::to_string(WEXITSTATUS(status)) + " at once"
                          : "it ended at once");
    }
    if (Clock::now() > deadline) refuse(command, "it does not listen at " + url_.text());
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

std::vector<int> ServedCommand::pids() const { return listeners_of(url_); }

void ServedCommand::stop() {
  if (output_ >= 0) ::close(std::exchange(output_, -1));
  if (group_ <= 0) return;
  ::kill(-group_, SIGTERM);
  const auto deadline = Clock::now() + kStopMost;
  while (::waitpid(group_, nullptr, WNOHANG) == 0) {
    if (Clock::now() > deadline) {
      ::kill(-group_, SIGKILL);
      ::waitpid(group_, nullptr, 0);
      break;
    }
    std::this_thread::sleep_for(kBetweenLooks);
  }
  ::kill(-group_, SIGKILL);  // Whoever it left behind.
  group_ = -1;
}

}  // namespace weir::load
