#include "bundled.hpp"

#include "daytime/daytime.hpp"
#include "discard/discard.hpp"
#include "echo/echo.hpp"
#include "forward/forward.hpp"
#include "time/time.hpp"
#include "yousaid/yousaid.hpp"

namespace weir::protocols {

std::span<const ServiceType> bundled() {
  static constexpr ServiceType kAll[] = {kDaytime, kDiscard, kEcho, kForward, kTime, kYouSaid};
  return kAll;
}

}  // namespace weir::protocols
