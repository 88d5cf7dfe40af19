// Line chat: rooms that span loops and listeners, one order for all, and nobody waits for the slowest.
#pragma once

#include <map>
#include <mutex>

#include <weir/connection.hpp>
#include <weir/service_type.hpp>

namespace weir::protocols {

struct Room {
  std::string name;
  Topic topic;
};

// A member as others see it. Changed by its own loop, with the mutex held.
struct Seat {
  Connection& self;
  ConnectionRef ref = self.ref();
  std::string nick = {};
  std::shared_ptr<Room> room = {};
  Topic::Member member = {};
};

// Who is there, and the rooms. With the mutex held, on any loop; what comes back is for the member.
class Chat final : public Protocol {
 public:
  struct Options {
    std::size_t line_max = 1024;
    std::int64_t rooms_max = 100;
    std::int64_t members_max = 10'000;
    std::size_t nick_max = 24;
    std::int64_t messages_per_second = 10;
    std::int64_t history = 20;
    std::size_t backlog_max = 64 << 10;
    std::string slow = "skip";

    void read(OptionReader& in);
  };

  static constexpr const char* kLobby = "lobby";    // Where everybody begins.
  static constexpr std::size_t kAnnouncedMax = 50;  // Larger rooms are not told who comes and goes.
  static constexpr std::size_t kListMax = 2'000;    // Bytes of names in an answer.
  static constexpr long kPrivateMax = 1'024;        // Private lines on their way.

  explicit Chat(Options options) : options_(std::move(options)) {}
  std::unique_ptr<Service> open(Loop& loop) override;
  void reload(OptionReader& in) override;  // Takes the mutex itself,
  void depart(Seat& seat);                 // like this.

  const Options& options() const { return options_; }
  std::string arrive(Seat& seat);
  std::string rename(Seat& seat, const std::string& nick);
  std::string enter(Seat& seat, const std::string& name);
  std::string tell(const Seat& from, const std::string& nick, const std::string& text);
  std::string who(const Room& room) const;
  std::string rooms() const;

  std::mutex mutex;

 private:
  TopicOptions topic() const;
  std::string refuse_name(const std::string& name) const;
  void leave(Seat& seat);
  static void announce(Seat& seat, const std::string& what);

  Options options_;
  std::map<std::string, Seat*> seats_;  // By nick, in lower case.
  std::map<std::string, std::shared_ptr<Room>> rooms_;
  std::uint64_t guests_ = 0;
  std::shared_ptr<int> private_ = std::make_shared<int>();  // Its holders are counted.
};

inline constexpr ServiceType kChat =
    that_waits(protocol_type<Chat>("chat", "Passes each line on to everybody else in the room."));

}  // namespace weir::protocols
