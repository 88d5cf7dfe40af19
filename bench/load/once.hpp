// Scenarios in which each connection asks once: storm and churn, and what they share with idle.
#pragma once

#include <vector>

#include "run.hpp"
#include "talk.hpp"

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
  std::optional<Nanos> waits_since() const override;

 private:
  OnceRun& once_;
  std::unique_ptr<Talk> talk_;
  Nanos began_;
  Nanos asked_ = 0;
  bool awaiting_ = false;
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
  void begin() override;
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

  std::vector<std::optional<std::size_t>> places_;  // By index, once it has lived.
};

// Lives over TLS, of which each begins with the handshake that was asked for, or it is an error.
class HandshakeRun final : public ChurnRun {
 public:
  using ChurnRun::ChurnRun;

  void on_open(Session& session, Connection& connection) override;

 private:
  std::size_t full_ = 0;  // Of those that resume: the first ones have nothing to go on from.
};

}  // namespace weir::load
