// Leads the agents of a run: starts them, has them wait for each other, looks at the server meanwhile,
// and gathers what they measured.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <optional>

#include "timeline.hpp"

namespace weir::load {

// How far a run is, for whoever watches.
struct Progress {
  enum class Phase : std::uint8_t { connecting, warming_up, measuring, finishing };
  Phase phase = Phase::connecting;
  std::uint64_t connections = 0;
  std::uint64_t errors = 0;
  Nanos left = 0;                  // Of the measurement, if its length is known.
  const Second* second = nullptr;  // The last whole one; null: there is none yet.
};

struct Watching {
  std::function<void(const Progress&)> on_progress = {};  // Ten times a second at most.
  Timeline::OnSecond on_second = {};
  const volatile std::sig_atomic_t* interrupted = nullptr;  // Not 0: the run is to end now.
};

// One run. The processes of the server may be null. Throws SetupError if there are no agents to be had.
class Conductor {
 public:
  Conductor(const Plan& plan, ServerProcesses* server, Watching watching);
  ~Conductor();
  Conductor(const Conductor&) = delete;
  Conductor& operator=(const Conductor&) = delete;

  std::unique_ptr<Outcome> run();

 private:
  void start_agents();
  void turn();
  bool over() const;
  void let_pass();
  void at_gate(std::uint32_t gate);
  void follow_window();
  Nanos until_next_look() const;
  Nanos window_left() const;
  void watch();
  void reap(bool wait);
  void stop_all();
  ServerUse look(bool with_memory);
  ServerFigures& server_figures();
  // The server's growth in bytes once it stands still; nothing where it cannot be read.
  std::optional<std::int64_t> settled();

  const Plan& plan_;
  ServerProcesses* server_;
  Watching watching_;
  SystemMachine machine_;
  Pages pages_;
  Timeline timeline_;
  std::vector<pid_t> agents_;  // 0: it has ended.
  std::unique_ptr<Outcome> outcome_ = std::make_unique<Outcome>();
  std::optional<std::int64_t> memory_before_;
  ServerUse window_began_;
  Nanos next_watch_ = 0;
  std::uint32_t passed_ = 0;   // Gates.
  std::uint32_t windows_ = 0;  // That have opened.
  bool in_window_ = false;
  std::string restless_;  // The server's memory does not stand still.
};

}  // namespace weir::load
