// The protocols that come with Weir.
#pragma once

#include <span>

#include <weir/service_type.hpp>

namespace weir::protocols {

// In the order in which they are listed. A main registers them with Server::add.
std::span<const ServiceType> bundled();

}  // namespace weir::protocols
