#include "abuse.hpp"
#include "bulk.hpp"
#include "closed.hpp"
#include "fanout.hpp"
#include "idle.hpp"
#include "mix.hpp"
#include "once.hpp"
#include "rate.hpp"

namespace weir::load {

std::unique_ptr<Run> make_run(const Run::Tools& tools, const Plan& plan, Task done) {
  const auto make = [&]<class R>() -> std::unique_ptr<Run> {
    return std::make_unique<R>(tools, plan, std::move(done));
  };
  switch (plan.scenario) {
    case Scenario::echo:
    case Scenario::ask:
      return make.template operator()<ClosedRun>();
    case Scenario::rate:
      return make.template operator()<RateRun>();
    case Scenario::idle:
      return make.template operator()<IdleRun>();
    case Scenario::storm:
      return make.template operator()<StormRun>();
    case Scenario::churn:
      return make.template operator()<ChurnRun>();
    case Scenario::bulk:
      if (plan.bulk_down()) return make.template operator()<ReceiveRun>();
      return make.template operator()<SendRun>();
    case Scenario::mix:
      return make.template operator()<MixRun>();
    case Scenario::fanout:
      return make.template operator()<FanoutRun>();
    case Scenario::handshake:
      return make.template operator()<HandshakeRun>();
    default:
      return make.template operator()<AbuseRun>();
  }
}

}  // namespace weir::load
