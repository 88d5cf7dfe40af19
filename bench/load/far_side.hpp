// The far side of a forwarder that is measured, served by the generator itself.
#pragma once

#include <weir/service_type.hpp>

#include "run.hpp"

namespace weir::load {

// What the scenario of the run needs at the other end: an echo, a sink that checks, a source.
class FarSide final : public Service {
 public:
  explicit FarSide(Run& run) : run_(run) {}
  std::unique_ptr<Handler> accept(Connection&) override;

 private:
  Run& run_;
};

// The same for Server::add; of one run at a time, as the type's functions carry no state.
ServiceType far_side_type(Run& run);

}  // namespace weir::load
