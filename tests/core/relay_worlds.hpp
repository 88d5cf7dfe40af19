// Where a case about a relayed pair runs: over the simulated network, or with a real server and two
// real sockets that never block. The body of a case is the same.
#pragma once

#include <atomic>
#include <csignal>
#include <deque>

#include <fcntl.h>
#include <poll.h>

#include "relay_case.hpp"
#include "worlds.hpp"

namespace weir::relay_worlds {

using worlds::is_unix;
using worlds::Kind;

enum class Target { answers, refuses, hangs };

constexpr Millis kDialTime{200};

// What the accepted connection of a pair tells. Guarded by the signal.
struct Watch {
  ConnectionRef near;
  int closes = 0;
  CloseReason reason;
  int asked = 0;  // Questions to it, by the test's thread.
  // When it was last asked, which was this one:
  int answered = 0;
  bool holds_up = false;    // Bytes for the backend,
  bool holds_down = false;  // or for the client.
  bool joined = false;      // To its target: the client is read.
};

struct Board {
  worlds::Signal signal;
  std::deque<Watch> pairs;
  std::vector<ConnectOptions> to;
};

inline Board* board = nullptr;

// Stands before the relay's own handler and counts its on_close.
class Watched final : public Handler {
 public:
  Watched(std::unique_ptr<Handler> relay, Watch& watch) : relay_(std::move(relay)), watch_(watch) {}

  void on_open(Connection& self) override {
    board->signal.change([&] { watch_.near = self.ref(); });
    relay_->on_open(self);
  }
  std::size_t on_data(Connection& self, Bytes data) override { return relay_->on_data(self, data); }
  void on_eof(Connection& self, Bytes unused) override { relay_->on_eof(self, unused); }
  void on_drain(Connection& self) override { relay_->on_drain(self); }
  void on_idle(Connection& self) override { relay_->on_idle(self); }
  void on_stop(Connection& self) override { relay_->on_stop(self); }
  void on_close(Connection& self, const CloseReason& reason) override {
    relay_->on_close(self, reason);
    board->signal.change([&] {
      ++watch_.closes;
      watch_.reason = reason;
    });
  }

 private:
  std::unique_ptr<Handler> relay_;
  Watch& watch_;
};

class WatchedRelay final : public Service {
 public:
  explicit WatchedRelay(Loop& loop) : targets_(loop, board->to) {}
  std::unique_ptr<Handler> accept(Connection&) override {
    Watch* watch = nullptr;
    board->signal.change([&] { watch = &board->pairs.emplace_back(); });
    return std::make_unique<Watched>(make_relay(targets_), *watch);
  }

 private:
  RelayTargets targets_;
};

inline constexpr ServiceType kRelay = service_type<WatchedRelay>("relay", "Is watched.");

// The far side of one of the two connections.
class End {
 public:
  virtual ~End() = default;
  virtual void end() = 0;
  virtual void close() = 0;
  virtual void reset() = 0;
  virtual void stall() = 0;
  virtual void unstall() = 0;
  virtual bool ended() const = 0;
  virtual bool was_reset() const = 0;
  virtual std::size_t pending() = 0;                // What the relay holds for it; 0: nothing.
  virtual std::optional<CloseReason> reason() = 0;  // Of the relay's connection, if it can be seen.
  virtual const std::string& text() = 0;            // Everything it has read.

  // As much as the other side takes of the next so many bytes of the pattern.
  void send(std::size_t size) { sent_ += give(pattern(size, sent_)); }
  std::size_t sent() const { return sent_; }
  bool over() const { return ended() || was_reset(); }

 protected:
  virtual std::size_t give(std::string_view bytes) = 0;

 private:
  std::size_t sent_ = 0;
};

struct Pair {
  End* client = nullptr;
  End* backend = nullptr;  // Null unless the target answers.
  const Watch* watch = nullptr;
};

class World {
 public:
  virtual ~World() = default;
  virtual Pair connect() = 0;
  virtual bool wait(const std::function<bool()>& holds) = 0;  // False: it did not come about.
  virtual Counters counters() const = 0;
  virtual void stop() = 0;
  virtual bool over() = 0;  // Stops and waits for the end; false: something was left or forced.
};

class SimEnd final : public End {
 public:
  explicit SimEnd(testing::Peer& peer) : peer_(peer) {}
  void end() override { peer_.end(); }
  void close() override { peer_.close(); }
  void reset() override { peer_.reset(); }
  void stall() override { peer_.stall(); }
  void unstall() override { peer_.unstall(); }
  bool ended() const override { return peer_.ended(); }
  bool was_reset() const override { return peer_.was_reset(); }
  std::size_t pending() override {
    const Connection* const mine = peer_.connection();
    return mine == nullptr ? 0 : mine->pending();
  }
  std::optional<CloseReason> reason() override { return peer_.reason(); }
  const std::string& text() override { return text_ += peer_.take(); }

 private:
  std::size_t give(std::string_view bytes) override {
    peer_.send(bytes);
    return bytes.size();
  }

  testing::Peer& peer_;
  std::string text_;
};

class SimWorld final : public World {
 public:
  SimWorld(bool unix_sockets, std::size_t pipes, Target target)
      : url_(unix_sockets ? "unix:///run/backend" : "tcp://10.0.0.1:80"),
        net_({.unix_sockets = unix_sockets, .automatic = false, .pipes = pipes}) {
    board = &board_;
    board_.to = {weir::target(url_, kDialTime)};
    service_ = &net_.open(kRelay);
    testing::Place& place = net_.place(url_);
    if (target == Target::refuses) place.refuse();
    if (target == Target::hangs) place.hang();
  }

  Pair connect() override {
    Pair pair;
    pair.client = &ends_.emplace_back(net_.connect(*service_));
    net_.run();
    if (testing::Peer* const peer = net_.place(url_).next()) {
      pair.backend = &ends_.emplace_back(*peer);
    }
    pair.watch = &board_.pairs.back();
    return pair;
  }

  bool wait(const std::function<bool()>& holds) override {
    for (int i = 0; i < 1'000; ++i) {
      net_.run();
      if (holds()) return true;
      net_.advance(Millis{10});
    }
    return false;
  }

  Counters counters() const override { return net_.counters(); }
  void stop() override {
    if (!std::exchange(stopping_, true)) net_.stop();
  }
  bool over() override {
    stop();
    return wait([this] { return net_.stopped(); }) && net_.leftovers().empty();
  }

 private:
  std::string url_;
  Board board_;
  testing::Net net_;
  Service* service_ = nullptr;
  bool stopping_ = false;
  std::list<SimEnd> ends_;
};

}  // namespace weir::relay_worlds
