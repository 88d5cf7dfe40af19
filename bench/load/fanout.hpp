// A room: what one connection says, all others hear.
#pragma once

#include <vector>

#include "run.hpp"

namespace weir::load {

// `depth` lines are under way; `senders` connections take turns to say the next one, once a line has
// been heard by everybody. The last `stalled` connections read nothing, and nobody waits for them.
// A message is a line heard by one member.
class FanoutRun final : public Run {
 public:
  FanoutRun(Loop& loop, const Plan& plan, Machine& machine, Task done);

  // False: no such line is under way.
  bool heard(std::uint64_t number, Nanos now);

 private:
  struct Line {
    Nanos said = 0;
    std::size_t deaf = 0;  // Members that have not heard it yet.
  };

  std::unique_ptr<Session> session(std::size_t index) override;
  void measure() override;
  void say();

  std::vector<Line> lines_;  // By number, in turn.
  std::uint64_t said_ = 0;
  std::size_t hearers_;  // Of each line.
};

class FanoutSession final : public Session {
 public:
  FanoutSession(FanoutRun& run, std::size_t index) : Session(run, index), room_(run) {}
  std::size_t on_data(Connection& self, Bytes data) override;

 private:
  const char* hear(std::string_view line, Nanos now);

  FanoutRun& room_;
};

}  // namespace weir::load
