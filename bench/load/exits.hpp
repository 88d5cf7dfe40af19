// Exit statuses for why there are no figures, as in <sysexits.h>.
#pragma once

#include <weir/base.hpp>
#include <weir/close_reason.hpp>

namespace weir::load {

constexpr int kInternalFault = 70;

int exit_for(SetupError::Kind kind);
int exit_for(const CloseReason& not_made);

}  // namespace weir::load
