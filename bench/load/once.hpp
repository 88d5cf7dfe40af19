// Scenarios in which each connection asks for one echo at a time: idle, storm, churn.
#pragma once

#include <vector>

#include "run.hpp"

namespace weir::load {

class OnceSession;

class OnceRun : public Run {
 public:
  using Run::Run;

  virtual void on_answer(OnceSession& session, Connection& connection) = 0;

 protected:
  std::unique_ptr<Session> session(std::size_t index) override;
};

class OnceSession final : public Session {
 public:
  OnceSession(OnceRun& run, std::size_t index);

  void ask(Connection& self);  // Then comes OnceRun::on_answer.
  bool was_answered() const { return answered_; }
  Nanos began() const { return began_; }  // When it was dialled,
  Nanos asked() const { return asked_; }  // and when it last asked.

  std::size_t on_data(Connection& self, Bytes data) override;

 private:
  OnceRun& once_;
  PatternCursor out_;
  PatternCursor in_;
  Nanos began_;
  Nanos asked_ = 0;
  std::size_t missing_ = 0;  // Bytes of the answer.
  bool answered_ = false;
};

// Everything at once; then each connection asks once. The latency is from the dial to the answer, so
// that a SYN which had to be sent again shows.
class StormRun final : public OnceRun {
 public:
  using OnceRun::OnceRun;

  void on_open(Session& session, Connection& connection) override;
  void on_answer(OnceSession& session, Connection& connection) override;
  void on_close(Session& session, const CloseReason& reason) override;

 private:
  void begin() override { open_window(); }
  void measure() override {}
  std::size_t in_flight_max() const override { return wanted(); }
  void over(std::size_t count);

  std::size_t over_ = 0;  // Answered, or never will be.
};

// Lives: connect, ask, close in order (or reset), and again. A message is a life; its latency is from
// the dial to the end.
class ChurnRun : public OnceRun {
 public:
  using OnceRun::OnceRun;

  void on_open(Session& session, Connection& connection) override;
  void on_answer(OnceSession& session, Connection& connection) override;
  void on_close(Session& session, const CloseReason& reason) override;

 private:
  void measure() override { warm_up(); }

  std::vector<bool> lived_;
};

// Lives over TLS, of which each begins with the handshake that was asked for, or it is an error.
class HandshakeRun final : public ChurnRun {
 public:
  using ChurnRun::ChurnRun;

  void on_open(Session& session, Connection& connection) override;

 private:
  std::size_t full_ = 0;  // Of those that resume: the first ones have nothing to go on from.
};

// Holds the connections and reads the memory of the server: before the first, with all, and after an
// echo on each.
class IdleRun final : public OnceRun {
 public:
  using OnceRun::OnceRun;

  void on_answer(OnceSession& session, Connection& connection) override;
  void on_close(Session& session, const CloseReason& reason) override;

 private:
  // Echoes under way at once; all at once would show what a burst needs.
  static constexpr std::size_t kTouching = 64;

  void begin() override;
  void measure() override;
  void settled(std::optional<std::int64_t> Result::*figure, int looks, Task then);
  void touch_next();
  std::int64_t growth();

  std::size_t touched_ = 0;
  std::size_t answered_ = 0;
  std::int64_t before_ = 0;
  std::int64_t last_ = 0;
};

}  // namespace weir::load
