// Clients that misbehave, and others beside them that should not notice.
#pragma once

#include <vector>

#include "half_open.hpp"
#include "run.hpp"
#include "talk.hpp"

namespace weir::load {

class GoodClient;

// `connections` clients misbehave as the scenario says; who is thrown out or not let in comes again.
// Beside them `active` good clients connect, ask, are answered and close, again and again: these lives are
// the messages, their latency is from the dial to the answer, and one that fails is an error.
class AbuseRun final : public Run {
 public:
  using Run::Run;

  void on_open(Session& session, Connection& connection) override;
  void on_close(Session& session, const CloseReason& reason) override;

  void served(GoodClient& client);

 private:
  static constexpr Millis kAgain{100};         // Before an abuser comes again,
  static constexpr Millis kBetween{20};        // and between two lives of a good client.
  static constexpr Nanos kPatience = kSecond;  // Of a life that the end of the window cuts off.

  std::unique_ptr<Session> session(std::size_t index) override;
  Url url_of(std::size_t index) const override;
  void begin() override;
  bool dials() const override { return plan().scenario != Scenario::half_open; }
  void measure() override;
  std::size_t in_flight_max() const override { return wanted(); }  // Some are never let in.
  void on_window_over() override;

  bool is_good(const Session& session) const { return session.index() >= wanted(); }
  void tried(std::size_t index);
  void dial_again(std::size_t index, Millis pause);
  void vanish(std::size_t from);
  void good_closed(GoodClient& client, const CloseReason& reason);

  Url plain_;  // The target without its TLS.
  std::vector<bool> tried_;
  std::size_t tries_ = 0;  // Abusers that have been let in, or refused.
  std::vector<GoodClient*> good_;
  std::vector<Timer> again_;
};

}  // namespace weir::load
