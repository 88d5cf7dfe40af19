// One run: makes the connections, knows when to measure, and gathers what their sessions report.
#pragma once

#include <optional>

#include <weir/close_reason.hpp>
#include <weir/loop.hpp>

#include "machine.hpp"
#include "meter.hpp"
#include "pattern.hpp"
#include "plan.hpp"

namespace weir::load {

class Run;

// One connection of a run. What it does when it is open is the scenario's.
class Session : public Handler {
 public:
  Session(Run& run, std::size_t index) : run_(run), index_(index) {}

  std::size_t index() const { return index_; }
  bool opened() const { return opened_; }
  bool faulted() const { return faulted_; }  // Its loss was counted already.

  // Since when it has waited for an answer; nothing if it does not.
  virtual std::optional<Nanos> waits_since() const { return {}; }

  // Every connection of the run is made: the scenario begins on this one.
  virtual void begin(Connection&) {}

  void on_open(Connection& self) final;
  void on_eof(Connection& self, Bytes unused) override;
  void on_close(Connection& self, const CloseReason& reason) override;

 protected:
  Run& run() const { return run_; }

  // What came back is wrong: counted, and the connection is of no more use. All bytes count as used.
  std::size_t wrong(Connection& self, Bytes data, const char* what);
  void fault(const std::string& sentence);

 private:
  friend class Run;

  Run& run_;
  std::size_t index_;
  std::size_t place_ = 0;
  bool opened_ = false;
  bool faulted_ = false;
};

// Where runs that belong together wait for each other, and for what is looked at in between.
class Gate {
 public:
  virtual ~Gate() = default;
  // Runs the task once everybody is here, perhaps at once. One at a time.
  virtual void arrive(Task) = 0;
  // What is measured begins, or is over.
  virtual void window(bool /*open*/) {}
};

class OpenGate final : public Gate {
 public:
  void arrive(Task go) override { go(); }
};

// What of a run is over.
struct Result {
  Nanos duration = 0;  // Of what was measured.
  Nanos own_cpu = 0;
  Nanos waited = 0;               // Ready to run, without a CPU.
  std::uint64_t connections = 0;  // That were made.
  std::string reason;             // Why it is not valid; empty if it is.
};

// The order of events is the same for all: connections are made, a bounded number at a time; when all
// are, and the gate is passed, measure() begins what the scenario measures; finish() ends the run and
// calls `done` once.
class Run {
 public:
  // What a run works with; all of it outlives the run.
  struct Tools {
    Loop& loop;
    Machine& machine;
    Meter& meter;
    Gate& gate;
  };

  Run(const Tools& tools, const Plan& plan, Task done);
  virtual ~Run() = default;
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // Once the loop runs.
  void start();
  // Ends it before its time; what was measured so far is kept.
  void interrupt(std::string why);

  const Result& result() const { return result_; }
  // Why not one connection could be made.
  const std::optional<CloseReason>& unreachable() const { return unreachable_; }

  // --- For sessions and the far side.

  Loop& loop() { return tools_.loop; }
  const Plan& plan() const { return plan_; }
  const Pattern& pattern() const { return pattern_; }
  Meter& meter() { return tools_.meter; }
  Machine& machine() { return tools_.machine; }
  bool finished() const { return finished_; }
  bool window_open() const { return window_open_; }
  Nanos window_began() const { return window_began_; }

  virtual void on_open(Session& session, Connection& connection);
  virtual void on_close(Session& session, const CloseReason& reason);

 protected:
  virtual std::unique_ptr<Session> session(std::size_t index) = 0;
  virtual void begin() {}  // Before the first connection.
  virtual Url url_of(std::size_t index) const { return plan_.target_of(index); }
  virtual bool dials() const { return true; }  // All connections, at the start.
  virtual void measure();      // Every connection is made: all begin, warm up, and are measured.
  virtual void on_window() {}  // The window has opened.
  virtual void on_window_over() { finish(); }  // The window has closed; finish() is to follow.
  void warm_up();                              // And measure for the duration.
  virtual std::size_t in_flight_max() const { return kInFlight; }

  void dial(std::size_t index);
  void open_window();   // What happened before does not count.
  void close_window();  // Nor does what happens after.
  void finish();
  void not_made(const CloseReason& reason);
  std::size_t wanted() const { return static_cast<std::size_t>(plan_.connections); }
  std::size_t made() const { return made_; }
  void count_made() { ++made_; }

  // In the order of opening; both null where the connection is gone.
  struct Made {
    Session* session;
    Connection* connection;
  };
  const std::vector<Made>& all_made() const { return all_made_; }
  // For runs whose connections come and go: the place of one that is gone is given to another.
  void enlist(Session& session, Connection& connection, std::size_t place);
  void strike(const Session& session);
  Gate& gate() { return tools_.gate; }
  void stop_waiting() { timer_.cancel(); }
  void later(Millis delay, Task task) { timer_ = loop().after(delay, std::move(task)); }

 private:
  // More would only queue up in the server's backlog, and overflow it.
  static constexpr std::size_t kInFlight = 128;
  // Of one turn, so that answers are looked at in between.
  static constexpr std::size_t kDialsPerTurn = 64;

  void dial_more();
  void count_silent();
  std::size_t due() const;  // Connections that the ramp lets be dialled by now.

  Tools tools_;
  const Plan& plan_;
  Task done_;
  Pattern pattern_;
  Result result_;
  Timer timer_;
  Timer ramp_;
  std::vector<Made> all_made_;
  std::optional<CloseReason> unreachable_;
  Nanos started_ = 0;
  Nanos window_began_ = 0;
  std::size_t dialled_ = 0;
  std::size_t made_ = 0;
  std::size_t left_ = 0;  // Made, and gone before the end.
  bool dialling_ = false;
  bool window_open_ = false;
  bool finished_ = false;
};

// The run of the plan's scenario.
std::unique_ptr<Run> make_run(const Run::Tools& tools, const Plan& plan, Task done);

}  // namespace weir::load
