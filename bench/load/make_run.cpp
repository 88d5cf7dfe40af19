#include "ask.hpp"
#include "bulk.hpp"
#include "echo.hpp"
#include "fanout.hpp"
#include "mix.hpp"
#include "once.hpp"

namespace weir::load {

std::unique_ptr<Run> make_run(Loop& loop, const Plan& plan, Machine& machine, Task done) {
  const auto make = [&]<class R>() -> std::unique_ptr<Run> {
    return std::make_unique<R>(loop, plan, machine, std::move(done));
  };
  switch (plan.scenario) {
    case Scenario::echo:
      return make.template operator()<EchoRun>();
    case Scenario::idle:
      return make.template operator()<IdleRun>();
    case Scenario::storm:
      return make.template operator()<StormRun>();
    case Scenario::churn:
      return make.template operator()<ChurnRun>();
    case Scenario::send:
      return make.template operator()<SendRun>();
    case Scenario::receive:
      return make.template operator()<ReceiveRun>();
    case Scenario::mix:
      return make.template operator()<MixRun>();
    case Scenario::fanout:
      return make.template operator()<FanoutRun>();
    case Scenario::ask:
      return make.template operator()<AskRun>();
    case Scenario::handshake:
      return make.template operator()<HandshakeRun>();
  }
  return nullptr;
}

}  // namespace weir::load
