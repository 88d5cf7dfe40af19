// Names that a loop has looked up, kept for a while: a service that dials the same few names all day
// asks the system twice a minute, not once per connection.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "driver.hpp"

namespace weir {

// A place in the ring of those who wait for the same answer. It leaves the ring when it dies.
class NameLink {
 public:
  NameLink() = default;
  NameLink(const NameLink&) = delete;
  NameLink& operator=(const NameLink&) = delete;

 protected:
  ~NameLink() { unlink(); }

 private:
  friend class NameCache;

  void link_before(NameLink& other);
  void unlink();

  NameLink* next_ = this;
  NameLink* previous_ = this;
};

// Waits for an answer, and may die before it comes.
class NameAsker : public NameLink {
 public:
  // Once. The asker may die in here. Like the driver's, it never comes from inside the call.
  virtual void on_resolved(const Resolution& found) = 0;

 protected:
  ~NameAsker() = default;
};

// One per loop and used on its thread only. A name is looked up once at a time, whoever asks; case
// does not matter. Who waits is bounded by the connections there are, since each leaves with its own.
class NameCache {
 public:
  static constexpr Millis kKept{30'000};
  static constexpr Millis kFailureKept{1'000};    // Enough to spare a broken name server a storm.
  static constexpr std::size_t kNamesMost = 256;  // What has least time left makes room.

  explicit NameCache(Driver& driver) : driver_(driver) {}

  // The answer, if there is one that may still be used; valid until the next call. Else null: ask.
  const Resolution* find(std::string_view host);
  void ask(std::string_view host, NameAsker& asker);

 private:
  struct Known {
    Resolution answer;
    SteadyTime until;
  };
  struct Lookup final : NameLink {};  // Under way; the ring's fixed place.

  void answered(const std::string& name, const Resolution& found);
  void keep(const std::string& name, const Resolution& found);

  Driver& driver_;
  std::map<std::string, Known> known_;
  std::map<std::string, Lookup> lookups_;
};

}  // namespace weir
