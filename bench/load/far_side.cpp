#include "far_side.hpp"

#include "bulk.hpp"
#include "mix.hpp"

namespace weir::load {

namespace {

Run* hosted = nullptr;

class Echo final : public Handler {
 public:
  std::size_t on_data(Connection& self, Bytes data) override {
    self.write(data);
    return data.size();
  }
};

class FarProtocol final : public Protocol {
 public:
  std::unique_ptr<Service> open(Loop&) override { return std::make_unique<FarSide>(*hosted); }
};

}  // namespace

std::unique_ptr<Handler> FarSide::accept(Connection&) {
  switch (run_.plan().scenario) {
    case Scenario::bulk:
      if (run_.plan().bulk_down()) {
        return std::make_unique<Source>(static_cast<ReceiveRun&>(run_));
      }
      return std::make_unique<Sink>(run_);
    case Scenario::mix:
      return std::make_unique<MixFarSide>(run_);
    default:
      return std::make_unique<Echo>();
  }
}

ServiceType far_side_type(Run& run) {
  hosted = &run;
  return {
      "far-side", "The far side of a forwarder.", [](OptionReader&) {},
      [](OptionReader&) -> std::unique_ptr<Protocol> { return std::make_unique<FarProtocol>(); }};
}

}  // namespace weir::load
