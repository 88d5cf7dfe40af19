// Pairs of peers that do whatever a seed tells them, with a relay between them that may copy or splice
// and a network that is late, short and out of order. What arrives must be what was sent.
#pragma once

#include <cerrno>
#include <list>

#include "relay_case.hpp"

namespace weir {

class RelayMachine {
 public:
  explicit RelayMachine(std::uint64_t seed)
      : state_(seed * 0x9e3779b97f4a7c15u + 1),
        net_(options(seed)),
        service_(net_.loop(), {target(RelayCase::kBackend), target(kOther)}) {
    for (const char* const url : {RelayCase::kBackend, kOther}) net_.place(url);
    if (chance(10)) net_.place(kOther).refuse();
    if (chance(5)) net_.place(kOther).hang();
  }

  // The first thing that went wrong; empty if nothing did.
  std::string run() {
    const std::size_t steps = 10 + below(50);
    for (std::size_t i = 0; i < steps && wrong_.empty(); ++i) step();
    if (wrong_.empty()) finish();
    return wrong_;
  }

  std::uint64_t spliced() const { return net_.counters().spliced; }
  std::uint64_t carried() const { return net_.counters().bytes_out; }

 private:
  static constexpr const char* kOther = "tcp://10.0.0.2:80";
  static constexpr std::size_t kName = 8;  // Bytes in front by which a backend knows its client.

  struct End {
    testing::Peer* peer = nullptr;
    std::string sent;
    std::string got;
    bool ended = false;
    bool stalled = false;
  };
  struct Pair {
    End client;
    End backend;
    bool rough = false;  // Somebody broke it off: it may end early, but not wrongly.
  };

  std::uint64_t random() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random() % limit); }
  bool chance(unsigned percent) { return random() % 100 < percent; }

  testing::NetOptions options(std::uint64_t seed) {
    testing::NetOptions made;
    made.seed = seed + 1;
    made.automatic = false;
    made.unix_sockets = chance(20);
    made.pipes = chance(30) ? 0 : 1 + below(3);
    made.pipe_size = 1 + below(300'000);
    made.level = Level::warn;
    if (chance(30)) made.limits.write_low = below(made.limits.write_high);
    if (chance(50)) {
      made.faults.short_receive = static_cast<unsigned>(below(300));
      made.faults.short_send = static_cast<unsigned>(below(300));
      made.faults.again = static_cast<unsigned>(below(200));
      made.faults.spurious = static_cast<unsigned>(below(200));
      made.faults.late = static_cast<unsigned>(below(200));
    }
    if (chance(10)) made.faults.broken = 5;
    breaks_ = made.faults.broken > 0;
    pending_most_ = std::max(made.pipe_size, made.limits.write_high + (64 << 10));
    return made;
  }

  void step() {
    const std::size_t what = below(100);
    if (what < 8 || pairs_.empty()) return connect();
    auto at = pairs_.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(below(pairs_.size())));
    End& end = chance(50) ? at->client : at->backend;
    if (what < 45) {
      send(end);
    } else if (what < 50) {
      if (end.peer != nullptr && !std::exchange(end.ended, true)) end.peer->end();
    } else if (what < 53) {
      break_off(*at, end);
    } else if (what < 60) {
      stall(end);
    } else if (what < 66) {
      net_.advance(Millis{static_cast<std::int64_t>(below(100))});
    } else if (what < 80) {
      net_.turn();
    } else {
      net_.run();
    }
    look();
  }

  void connect() {
    Pair& pair = pairs_.emplace_back();
    pair.client.peer = &net_.connect(service_);
    pair.client.sent = std::to_string(10'000'000 + pairs_.size());
    pair.client.peer->send(pair.client.sent);
  }

  void send(End& end) {
    if (end.peer == nullptr || end.ended || end.sent.size() > 900'000) return;
    const std::size_t size = chance(50) ? 1 + below(100) : 1 + below(400'000);
    const std::string text = pattern(size, end.sent.size());
    end.sent += text;
    end.peer->send(text);
  }

  void break_off(Pair& pair, End& end) {
    if (end.peer == nullptr) return;
    pair.rough = true;
    end.ended = true;
    if (chance(50)) return end.peer->reset();
    end.peer->cut(chance(50) ? ECONNRESET : ETIMEDOUT);
  }

  void stall(End& end) {
    if (end.peer == nullptr) return;
    end.stalled = !end.stalled;
    end.stalled ? end.peer->stall() : end.peer->unstall();
  }

  // What has come so far, on both sides.
  void look() {
    for (const char* const url : {RelayCase::kBackend, kOther}) {
      while (testing::Peer* const peer = net_.place(url).next()) unnamed_.push_back({peer, {}, {}});
    }
    for (auto each = unnamed_.begin(); each != unnamed_.end();) {
      each->got += each->peer->take();
      each = adopt(*each) ? unnamed_.erase(each) : std::next(each);
    }
    for (Pair& pair : pairs_) {
      take(pair.client, pair.backend, "a client");
      take(pair.backend, pair.client, "a backend");
    }
  }

  bool adopt(End& end) {
    if (end.got.size() < kName) return false;
    for (Pair& pair : pairs_) {
      if (pair.client.sent.substr(0, kName) != end.got.substr(0, kName)) continue;
      pair.backend = end;
      return true;
    }
    wrong_ = "a backend was sent " + end.got.substr(0, kName);
    return false;
  }

  void take(End& end, const End& from, const char* who) {
    if (end.peer == nullptr) return;
    end.got += end.peer->take();
    if (from.sent.compare(0, end.got.size(), end.got) != 0) {
      wrong_ = std::string(who) + " was sent bytes that the other end did not send";
    }
    Connection* const connection = end.peer->connection();
    if (connection != nullptr && connection->pending() > pending_most_) {
      wrong_ = std::to_string(connection->pending()) + " bytes wait for " + who;
    }
  }

  void finish() {
    look();
    for (Pair& pair : pairs_) {
      for (End* const end : {&pair.client, &pair.backend}) {
        if (end->stalled) stall(*end);
      }
    }
    net_.run();
    net_.advance(Millis{6'000});  // Dials that hang are over.
    look();
    for (Pair& pair : pairs_) {
      for (End* const end : {&pair.client, &pair.backend}) {
        if (end->peer != nullptr && !std::exchange(end->ended, true)) end->peer->end();
      }
    }
    net_.run();
    look();
    for (Pair& pair : pairs_) check(pair);
    if (wrong_.empty() && net_.counters().connections != 0 && !breaks_) wrong_ = "some are left";
    net_.stop();
    net_.advance(Millis{60'000});
    if (wrong_.empty() && !net_.stopped()) wrong_ = "it does not stop";
  }

  void check(const Pair& pair) {
    if (!wrong_.empty() || pair.rough || breaks_) return;
    if (pair.backend.peer == nullptr) {
      wrong_ = "a client was not connected";
    } else if (pair.backend.got != pair.client.sent) {
      wrong_ = "a backend misses bytes";
    } else if (pair.client.got != pair.backend.sent) {
      wrong_ = "a client misses bytes";
    } else if (!pair.client.peer->ended() || !pair.backend.peer->ended()) {
      wrong_ = "an end was not told";
    } else if (pair.client.peer->was_reset() || pair.backend.peer->was_reset()) {
      wrong_ = "an end was told as a reset";
    }
  }

  std::uint64_t state_;
  bool breaks_ = false;
  std::size_t pending_most_ = 0;
  testing::Net net_;
  RelayService service_;
  std::list<Pair> pairs_;
  std::list<End> unnamed_;
  std::string wrong_;
};

}  // namespace weir
