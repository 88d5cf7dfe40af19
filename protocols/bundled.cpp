#include "bundled.hpp"

#include "ack/ack.hpp"
#include "chat/chat.hpp"
#include "daytime/daytime.hpp"
#include "discard/discard.hpp"
#include "echo/echo.hpp"
#include "forward/forward.hpp"
#include "sniff/sniff.hpp"
#include "time/time.hpp"
#include "yousaid/yousaid.hpp"

namespace weir::protocols {

std::span<const ServiceType> bundled() {
  static constexpr ServiceType kAll[] = {kAck,     kChat,  kDaytime, kDiscard, kEcho,
                                         kForward, kSniff, kTime,    kYouSaid};
  return kAll;
}

}  // namespace weir::protocols
