// What the interleavings are made of: dice, and what is known of each connection.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <weir/testing.hpp>

namespace weir::interleaving {

class Dice {
 public:
  virtual ~Dice() = default;
  virtual std::size_t roll(std::size_t sides) = 0;  // Below `sides`.
  virtual bool over() const { return false; }
  bool one_in(std::size_t chance) { return roll(chance) == 0; }
};

class SeedDice final : public Dice {
 public:
  explicit SeedDice(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  std::size_t roll(std::size_t sides) override {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<std::size_t>((state_ >> 11) % sides);
  }

 private:
  std::uint64_t state_;
};

class ByteDice final : public Dice {
 public:
  explicit ByteDice(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  std::size_t roll(std::size_t sides) override {
    std::size_t value = next();
    if (sides > 256) value = value << 8 | next();
    return value % sides;
  }
  bool over() const override { return bytes_.empty(); }

 private:
  std::size_t next() {
    if (bytes_.empty()) return 0;
    const std::size_t value = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return value;
  }

  std::span<const std::uint8_t> bytes_;
};

class Machine;

// What is known of one connection, whichever handler speaks for it.
struct Model {
  std::uint64_t id = 0;
  Connection* connection = nullptr;  // Null once on_close has been, and while it moves.
  std::size_t loop = 0;
  testing::Peer* peer = nullptr;      // Null if the other end is not known.
  const std::string* sent = nullptr;  // What that peer has sent.
  std::string written;                // What the connection was asked to send.
  std::size_t read_back = 0;          // Of it, how much the peer has got.
  std::size_t consumed = 0;           // Of the input.
  std::size_t unused = 0;
  std::uint64_t full_turn = 0;
  std::uint64_t write_turn = 0;
  std::uint64_t drain_turn = 0;
  int closes = 0;
  int handlers = 0;
  bool opened = false;
  bool eof = false;
  bool paused = false;
  bool hold = true;
  bool resumed = false;  // Unused bytes are due to come again,
  bool drained = false;  // or may: the connection was full.
  bool full = false;
  bool ending = false;   // end() was called.
  bool closing = false;  // close() or abort() was called, or something threw.
  bool aborted = false;
  bool threw = false;
  bool unmade = false;  // Closed before it was open: over at once if nothing is pending.
  bool moving = false;
  bool rough = false;  // The peer closed, reset, or the line was cut: bytes may be lost.
  std::optional<CloseReason> reason;
};

class Probe final : public Handler {
 public:
  Probe(Machine& machine, Model& model);
  ~Probe() override;

  void on_open(Connection& self) override;
  std::size_t on_data(Connection& self, Bytes data) override;
  void on_eof(Connection& self, Bytes unused) override;
  void on_drain(Connection& self) override;
  void on_idle(Connection& self) override;
  void on_stop(Connection& self) override;
  void on_close(Connection& self, const CloseReason& reason) override;
  bool freeze(State& state) override;
  void thaw(Connection& self, State& state) override;

 private:
  Machine& machine_;
  Model& model_;
};

class ProbeService final : public Service {
 public:
  ProbeService(Machine& machine, std::size_t index) : machine_(machine), index_(index) {}
  std::unique_ptr<Handler> accept(Connection& self) override;
  void on_stop() override;

 private:
  Machine& machine_;
  std::size_t index_;
};

}  // namespace weir::interleaving
