#include "time.hpp"

#include <weir/loop.hpp>

namespace weir::protocols {

constexpr std::int64_t kFrom1900To1970 = 2'208'988'800;  // Seconds.

// Four bytes overflow on 7 February 2036. Clients take the sum modulo 2^32, so that is what is sent.
void Time::on_open(Connection& peer) {
  const auto now = std::chrono::floor<std::chrono::seconds>(peer.loop().wall());
  const auto sum = static_cast<std::uint32_t>(now.time_since_epoch().count() + kFrom1900To1970);
  const auto part = [sum](int shift) { return static_cast<std::byte>(sum >> shift & 0xff); };
  const std::byte answer[] = {part(24), part(16), part(8), part(0)};
  peer.write(Bytes(answer));
  peer.close();
}

}  // namespace weir::protocols
