// Connections that are held: what each costs the server.
#pragma once

#include "once.hpp"

namespace weir::load {

// Waits at the gate with all connected, and again after one echo on each, so that the server's memory
// can be looked at. Then `active` of the connections echo on and on, and that is what is measured; without
// any, the one echo on each is.
class IdleRun final : public OnceRun {
 public:
  using OnceRun::OnceRun;

  void on_answer(OnceSession& session, Connection& connection) override;
  void on_close(Session& session, const CloseReason& reason) override;

 private:
  // Echoes under way at once; all at once would show what a burst needs.
  static constexpr std::size_t kTouching = 64;

  void measure() override;
  void touch_next();
  void expect_progress(std::size_t before);
  void touched_all();

  std::size_t touched_ = 0;
  std::size_t answered_ = 0;
  bool active_ = false;
};

}  // namespace weir::load
