// Chat rooms: what one member says, all others hear.
#pragma once

#include <vector>

#include "run.hpp"

namespace weir::load {

class FanoutRun;

class FanoutSession final : public Session {
 public:
  FanoutSession(FanoutRun& run, std::size_t index);

  void join(Connection& self, const std::string& room);
  std::size_t on_data(Connection& self, Bytes data) override;

 private:
  const char* hear(std::string_view line, Nanos now);

  FanoutRun& rooms_;
  std::string joining_;     // The room, until the server says that we are in it.
  std::uint64_t next_ = 0;  // Lines come in their order; our own do not come.
};

// In each room `depth` lines are under way; its `senders` take turns to say the next one, once a line has
// been heard by everybody. Its last `stalled` members read nothing, and nobody waits for them. A message
// is a line heard by one member.
class FanoutRun final : public Run {
 public:
  FanoutRun(const Tools& tools, const Plan& plan, Task done);

  // False: no such line is under way in the room of that member.
  bool heard(std::size_t member, std::uint64_t number, Nanos now);
  bool speaking() const { return speaking_; }  // What comes before is history.
  void joined();
  void on_close(Session& session, const CloseReason& reason) override;

 private:
  struct Line {
    Nanos said = 0;
    std::size_t deaf = 0;  // Members that have not heard it yet.
  };
  struct Room {
    std::vector<Made> members;
    std::vector<Line> lines;  // By number, in turn.
    std::uint64_t said = 0;
  };

  std::unique_ptr<Session> session(std::size_t index) override;
  void measure() override;
  void begin_speaking();
  void say(Room& room);

  std::vector<Room> rooms_;
  std::size_t hearers_;  // Of each line.
  std::size_t to_join_ = 0;
  bool speaking_ = false;
};

}  // namespace weir::load
