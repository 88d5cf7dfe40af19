// Request and reply of any protocol whose replies' ends can be told.
#pragma once

#include "in_flight.hpp"
#include "run.hpp"

namespace weir::load {

// How long the reply is that the data begins with: its bytes; 0 when more is needed to tell; nothing
// when this is no reply of the kind, or one of failure.
std::optional<std::size_t> reply_size(const Plan& plan, std::string_view data);

class AskRun final : public Run {
 public:
  using Run::Run;

 private:
  std::unique_ptr<Session> session(std::size_t index) override;
};

}  // namespace weir::load
