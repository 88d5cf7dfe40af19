#include "chat.hpp"

#include <weir/framing.hpp>
#include <weir/text.hpp>

namespace weir::protocols {

namespace {

constexpr const char* kHelp =
    "what does not begin with / goes to everybody in the room; the rest: /nick NAME, /join ROOM, "
    "/leave, /rooms, /who, /msg NAME TEXT, /me TEXT, /history, /quit";

std::pair<std::string, std::string> cut(const std::string& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  return {text.substr(0, end), text.substr(std::min(end + 1, text.size()))};
}

class Member final : public LineHandler {
 public:
  Member(Chat& chat, Connection& self)
      : LineHandler(chat.options().line_max),
        chat_(chat),
        seat_{self},
        pace_(chat.options().messages_per_second) {}

  void on_open(Connection& self) override {
    const std::lock_guard lock(chat_.mutex);
    reply("welcome; /help tells what you can do");
    if (const std::string full = chat_.arrive(seat_); !full.empty()) leave(self, full);
  }

  void on_line(Connection& self, std::string_view line) override {
    const std::string text = clean(line);
    if (text.empty() && line.find('\0') == line.npos) return;
    pace_.spend(self);
    const std::lock_guard lock(chat_.mutex);
    if (line.find('\0') != line.npos) return reply("a line must not contain a zero byte");
    if (text.starts_with('/') && !text.starts_with("//")) return reply(obey(text));
    say("<" + seat_.nick + "> " + text.substr(text.starts_with('/') ? 1 : 0));
  }

  void on_long_line(Connection& self) override { leave(self, "that line is too long; goodbye"); }
  void on_drain(Connection&) override { seat_.member.catch_up(); }
  void on_stop(Connection& self) override { leave(self, "the server stops; goodbye"); }
  void on_close(Connection&, const CloseReason&) override { chat_.depart(seat_); }

 private:
  std::string obey(const std::string& line) {
    const auto [word, rest] = cut(line);
    if (word == "/nick") return chat_.rename(seat_, rest);
    if (word == "/join") return chat_.enter(seat_, rest);
    if (word == "/leave") return chat_.enter(seat_, Chat::kLobby);
    if (word == "/rooms") return chat_.rooms();
    if (word == "/who") return chat_.who(*seat_.room);
    if (word == "/msg") return chat_.tell(seat_, cut(rest).first, cut(rest).second);
    if (word == "/me") return rest.empty() ? "what? /me TEXT" : say("~ " + seat_.nick + " " + rest);
    if (word == "/history") return seat_.room->topic.replay(seat_.self), "";
    if (word == "/quit") return leave(seat_.self, "goodbye"), "";
    if (word == "/help") return kHelp;
    return word + " is no command; /help lists them";
  }

  std::string say(const std::string& line) {
    seat_.room->topic.publish(Payload(line + "\r\n"), &seat_.self);
    return "";
  }
  void reply(const std::string& text) {
    if (!text.empty()) seat_.self.write("* " + text + "\r\n");
  }
  void leave(Connection& self, const std::string& word) {
    reply(word);
    self.close();
  }

  Chat& chat_;
  Seat seat_;
  Pace pace_;
};

struct Lounge final : Service {
  explicit Lounge(Chat& of) : chat(of) {}
  std::unique_ptr<Handler> accept(Connection& self) override {
    const std::lock_guard lock(chat.mutex);
    return std::make_unique<Member>(chat, self);
  }
  Chat& chat;
};

}  // namespace

std::unique_ptr<Service> Chat::open(Loop&) { return std::make_unique<Lounge>(*this); }

}  // namespace weir::protocols
