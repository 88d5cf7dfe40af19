// The talk of `weir connect` with its peer, from the connect to the exit code.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include <weir/loop.hpp>

#include "exit_codes.hpp"
#include "standard_input.hpp"

namespace weir::program {

// How it went. The sentence is for standard error; empty if there is nothing to say.
struct Outcome {
  Exit code = kDone;
  std::string sentence;
};

// What goes out is a message, or else standard input; then our FIN. What comes in goes to standard
// output until the peer ends.
class Dialogue final : public Handler, private InputTaker {
 public:
  struct Plan {
    ConnectOptions connect;
    std::optional<std::string> message;
  };

  // `done` is called last. Both must outlive the connection.
  Dialogue(const Plan& plan, Outcome& outcome, std::function<void()> done);

  void on_open(Connection& peer) override;
  std::size_t on_data(Connection& peer, Bytes data) override;
  void on_eof(Connection& peer, Bytes unused) override;
  void on_drain(Connection& peer) override;
  void on_idle(Connection&) override {}
  void on_close(Connection& peer, const CloseReason& reason) override;

 private:
  Flow on_input(Connection& peer, std::string_view chunk) override;
  void on_input_end(Connection& peer, int error) override;
  void wait_for_more(Connection& peer);
  void give_up(Connection& peer, Exit code, std::string sentence);
  Outcome judge(const CloseReason& reason) const;

  const Plan& plan_;
  Outcome& outcome_;
  std::function<void()> done_;
  StandardInput input_;
  bool opened_ = false;
  bool peer_ended_ = false;
  bool input_ended_ = false;
  bool gave_up_ = false;
  bool room_ = true;
  Timer quiet_;
  std::string tls_failure_;  // One sentence.
};

}  // namespace weir::program
