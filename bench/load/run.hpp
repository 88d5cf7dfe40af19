// One run: makes the connections, knows when to measure, and gathers what their sessions report.
#pragma once

#include <weir/close_reason.hpp>
#include <weir/loop.hpp>

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
  Run& run_;
  std::size_t index_;
  bool opened_ = false;
  bool faulted_ = false;
};

// The order of events is the same for all: connections are made, a bounded number at a time; when all
// are, measure() begins what the scenario measures; finish() ends the run and calls `done` once.
class Run {
 public:
  Run(Loop& loop, const Plan& plan, Machine& machine, Task done);
  virtual ~Run() = default;
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // Once the loop runs.
  void start();

  const Result& result() const { return result_; }
  const Histogram& latency() const { return meter_.latency; }
  // Why not one connection could be made.
  const std::optional<CloseReason>& unreachable() const { return unreachable_; }

  // --- For sessions and the far side.

  Loop& loop() { return loop_; }
  const Plan& plan() const { return plan_; }
  const Pattern& pattern() const { return pattern_; }
  Meter& meter() { return meter_; }
  Machine& machine() { return machine_; }
  bool finished() const { return finished_; }

  virtual void on_open(Session& session, Connection& connection);
  virtual void on_close(Session& session, const CloseReason& reason);

 protected:
  virtual std::unique_ptr<Session> session(std::size_t index) = 0;
  virtual void begin() {}  // Before the first connection.
  virtual void measure();  // Every connection is made: all begin, warm up, and are measured.
  void warm_up();          // And measure for the duration.
  virtual std::size_t in_flight_max() const { return kInFlight; }

  void dial(std::size_t index);
  void open_window();   // What happened before does not count.
  void close_window();  // Nor does what happens after.
  void finish();
  void not_made(const CloseReason& reason);
  std::size_t wanted() const { return static_cast<std::size_t>(plan_.connections); }
  std::size_t made() const { return made_; }

  // In the order of opening. Once one of them is lost, those before the measurement are of no use.
  struct Made {
    Session* session;
    Connection* connection;
  };
  const std::vector<Made>& all_made() const { return all_made_; }
  Result& result_so_far() { return result_; }
  void later(Millis delay, Task task) { timer_ = loop_.after(delay, std::move(task)); }

 private:
  // More would only queue up in the server's backlog, and overflow it.
  static constexpr std::size_t kInFlight = 128;
  // Of one turn, so that answers are looked at in between.
  static constexpr std::size_t kDialsPerTurn = 64;

  void dial_more();

  Loop& loop_;
  const Plan& plan_;
  Machine& machine_;
  Task done_;
  Pattern pattern_;
  Meter meter_;
  Result result_;
  Timer timer_;
  std::vector<Made> all_made_;
  std::optional<CloseReason> unreachable_;
  Nanos window_began_ = 0;
  std::size_t dialled_ = 0;
  std::size_t made_ = 0;
  std::size_t left_ = 0;  // Made, and gone before the end.
  bool dialling_ = false;
  bool window_open_ = false;
  bool finished_ = false;
};

// The run of the plan's scenario.
std::unique_ptr<Run> make_run(Loop& loop, const Plan& plan, Machine& machine, Task done);

}  // namespace weir::load
