#include "chat.hpp"

#include <weir/text.hpp>

namespace weir::protocols {

void Chat::Options::read(OptionReader& in) {
  in.size("line-max", line_max, 16, 8 << 10, "longest line; who sends a longer one is closed");
  in.number("rooms-max", rooms_max, 1, 10'000, "rooms at once, the lobby included");
  in.number("members-max", members_max, 2, 1'000'000, "members of a room");
  in.size("nick-max", nick_max, 12, 64, "longest nick, and name of a room");
  in.number("messages-per-second", messages_per_second, 0, 100'000,
            "of one member, who is read more slowly above it; 0 is any");
  in.number("history", history, 0, 1'000, "lines of a room that are shown to who joins");
  in.size("backlog-max", backlog_max, 1 << 10, 192 << 10, "unsent bytes of a member too slow");
  in.choice("slow", slow, {"skip", "close"},
            "such a member misses lines and is told, or is closed");
}

void Chat::reload(OptionReader& in) {
  const std::lock_guard lock(mutex);
  options_.read(in);
  for (const auto& [_, room] : rooms_) room->topic.set(topic());
}

TopicOptions Chat::topic() const {
  const auto notice = [](std::uint64_t missed) {
    return Payload("* you read too slowly and missed " + std::to_string(missed) + " lines\r\n");
  };
  return {options_.backlog_max, options_.slow == "close", std::size_t(options_.history), notice};
}

std::string Chat::refuse_name(const std::string& name) const {
  if (is_name(name, options_.nick_max)) return "";
  return "a name is 1 to " + std::to_string(options_.nick_max) + " of A-Z, a-z, 0-9, _ and -";
}

std::string Chat::arrive(Seat& seat) {
  do seat.nick = "guest-" + std::to_string(++guests_);
  while (!seats_.try_emplace(seat.nick, &seat).second);
  return enter(seat, kLobby);
}

std::string Chat::rename(Seat& seat, const std::string& nick) {
  if (std::string refusal = refuse_name(nick); !refusal.empty()) return refusal;
  const std::string key = lower(nick);
  // Would pass for the server, or for a guest who is yet to come.
  if (key == "server" || key == "system" || key.starts_with("guest")) return nick + " is reserved";
  const auto [found, is_new] = seats_.try_emplace(key, &seat);
  if (found->second != &seat) return nick + " is taken";
  if (is_new) seats_.erase(lower(seat.nick));
  announce(seat, std::exchange(seat.nick, nick) + " is now " + nick);
  return "you are now " + nick;
}

std::string Chat::enter(Seat& seat, const std::string& name) {
  if (std::string refusal = refuse_name(name); !refusal.empty()) return refusal;
  const auto [found, is_new] = rooms_.try_emplace(lower(name));
  if (is_new) found->second = std::make_shared<Room>(Room{found->first, Topic(topic())});
  const std::shared_ptr<Room> room = found->second;
  if (room == seat.room) return "this is " + room->name;
  const auto others = static_cast<std::int64_t>(room->topic.members());
  if (is_new && std::ssize(rooms_) > options_.rooms_max) {
    rooms_.erase(found);
    return "there are too many rooms; /rooms lists them";
  }
  if (others >= options_.members_max) return room->name + " is full";
  leave(seat);
  seat.room = room;
  seat.self.write("* this is " + room->name + "; others here: " + std::to_string(others) + "\r\n");
  seat.member = room->topic.join(seat.self);
  announce(seat, seat.nick + " joined");
  return "";
}

void Chat::depart(Seat& seat) {
  const std::lock_guard lock(mutex);
  seats_.erase(lower(seat.nick));
  leave(seat);
}

void Chat::leave(Seat& seat) {
  const std::shared_ptr<Room> room = seat.room;
  if (room == nullptr) return;
  seat.member = {};
  announce(seat, seat.nick + " left");
  seat.room = nullptr;
  if (room->topic.members() == 0 && room->name != kLobby) rooms_.erase(room->name);
}

// In a large room everybody's coming and going would cost as much as everybody talking.
void Chat::announce(Seat& seat, const std::string& what) {
  if (seat.room->topic.members() > kAnnouncedMax) return;
  seat.room->topic.publish(Payload("* " + what + "\r\n"), &seat.self, false);
}

std::string Chat::tell(const Seat& from, const std::string& nick, const std::string& text) {
  if (text.empty()) return "what? /msg NAME TEXT";
  const auto to = seats_.find(lower(nick));
  if (to == seats_.end()) return "nobody here is called " + nick;
  if (private_.use_count() > kPrivateMax) return "too many private lines are on their way";
  const Payload line("[" + from.nick + "] " + text + "\r\n");
  // Its handler, and so its seat, lives as long as there is a connection to call this with.
  to->second->ref.post(
      [line, seat = to->second, held = private_](Connection&) { seat->member.send(line); });
  return "";
}

std::string Chat::who(const Room& room) const {
  std::string names = room.name + ":";
  for (const auto& [_, seat] : seats_) {
    if (seat->room.get() == &room && names.size() < kListMax) names += " " + seat->nick;
  }
  return names;
}

std::string Chat::rooms() const {
  std::string names = "rooms:";
  for (const auto& [name, room] : rooms_) {
    if (names.size() < kListMax) names += " " + name + "=" + std::to_string(room->topic.members());
  }
  return names;
}

}  // namespace weir::protocols
