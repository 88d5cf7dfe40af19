// Bytes built once and written to many connections, and the topics by which they reach them.
#pragma once

#include <functional>

#include <weir/base.hpp>

namespace weir {

class Connection;

namespace detail {
struct Block;
}

// Immutable, shared, counted. Copying one copies no byte. It may be made, copied and dropped on any
// thread. Payloads made one after the other on one thread lie side by side in memory, so that a
// connection which is written several of them in a turn sends them in one piece.
class WEIR_API Payload {
 public:
  Payload() = default;
  explicit Payload(Bytes bytes);
  explicit Payload(std::string_view text) : Payload(as_bytes(text)) {}
  Payload(const Payload& other) noexcept;
  Payload(Payload&& other) noexcept;
  Payload& operator=(Payload other) noexcept;
  ~Payload();

  Bytes bytes() const;
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  friend class Chain;

  detail::Block* block_ = nullptr;
  std::uint32_t offset_ = 0;
  std::uint32_t size_ = 0;
};

struct TopicOptions {
  // Pending bytes, at most half of Limits::write_max, above which a member is too slow. It then misses
  // what is published, or is aborted with ENOBUFS.
  std::size_t backlog_max = 64 << 10;
  bool close_slow = false;
  std::size_t history = 0;  // Payloads, copied, that are kept for who joins: backlog_max at most.
  // What one that has missed so many is sent once it is no longer slow. Empty: nothing.
  std::function<Payload(std::uint64_t missed)> notice = {};
};

// A group of connections, on any loops, that hear the same payloads in the same order. Nobody waits
// for the slowest: one that does not read misses payloads and is told how many, or is cut off.
//
//   Topic room;                                      // In a Protocol, if it is to span loops.
//   member_ = room.join(connection);                 // In on_open; leaves when the handler dies.
//   room.publish(Payload("hello\n"), &connection);  // To all others.
class WEIR_API Topic {
 public:
  // Bytes published and not yet delivered on a loop; while there are more, its members miss payloads.
  static constexpr std::size_t kInboxMax = 4 << 20;

  // Lives in the handler and dies with it, or before. Used on the connection's loop.
  class WEIR_API Member {
   public:
    Member();
    Member(Member&& other) noexcept;
    Member& operator=(Member&& other) noexcept;
    ~Member();

    // For this member alone, within the same bound: if it is too slow it misses it and is told so.
    void send(const Payload& payload);

    // In on_drain: sends the notice that is due, before anything else is published.
    void catch_up();

   private:
    friend class Topic;
    struct Body;
    std::unique_ptr<Body> body_;
  };

  explicit Topic(TopicOptions options = {});

  // Any thread; holds from the next payload on.
  void set(TopicOptions options);

  // On the connection's loop. Writes the history to it, and what is published from then on.
  [[nodiscard]] Member join(Connection& connection);

  // Any thread; the order of calls is everybody's. `from` is the connection in whose callback this is
  // done, and does not hear it; null elsewhere. Not `kept`: not for the history.
  void publish(const Payload& payload, Connection* from = nullptr, bool kept = true);

  void replay(Connection& to) const;  // Writes the history once more.
  std::size_t members() const;        // Any thread.

 private:
  struct Body;
  std::shared_ptr<Body> body_;
};

}  // namespace weir
