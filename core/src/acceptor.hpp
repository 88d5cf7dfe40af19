// Accepts for a service on the first loop and hands each connection to the least-loaded one.
#pragma once

#include <functional>
#include <vector>

#include "driver.hpp"
#include "loop_core.hpp"

namespace weir {

// What all acceptors of a server share. Limits are per process; counters are written on loop 0 only.
struct AcceptLimits {
  std::size_t descriptors = 0;  // Connections of all kinds together, each one descriptor.
  std::size_t connections = 0;  // 0: no limit but the descriptors.
  std::uint64_t accepts = 0;    // After so many `enough` is called; 0: never.
  std::function<void()> enough = {};
};

struct AcceptCounters {
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> refused_limit{0};
  std::atomic<std::uint64_t> errors{0};
};

class WEIR_API Acceptor final : public ListenOwner {
 public:
  static constexpr int kAcceptsPerTurn = 64;  // Of one listener.
  static constexpr Millis kPauseFirst{100};   // After EMFILE and its like,
  static constexpr Millis kPauseMost{1'000};  // doubling up to this.
  static constexpr Millis kLogEvery{1'000};   // One line about refusals.

  // `services` are the service's facades, one per loop, the accepting loop's first. All outlive this,
  // or serve() names others before they go.
  Acceptor(int socket, std::vector<ServiceLoop*> services, unsigned descriptors_each,
           const AcceptLimits& limits, AcceptCounters& counters,
           std::shared_ptr<TlsSource> tls = {});

  void start();  // Begins to accept.
  // From now on for another service, of the same loops.
  void serve(std::vector<ServiceLoop*> services, unsigned descriptors_each,
             std::shared_ptr<TlsSource> tls = {});
  void stop();  // Stops listening.

  void on_acceptable() override;

 private:
  bool take_one();
  bool over_limit() const;
  void hand_over(const Accepted& accepted);
  void pause(int error);
  void tell(std::string_view line);

  std::vector<ServiceLoop*> services_;
  unsigned descriptors_each_;
  const AcceptLimits& limits_;
  AcceptCounters& counters_;
  std::shared_ptr<TlsSource> tls_;  // Null: connections are plain.
  std::unique_ptr<ListenSocket> socket_;
  Timer resume_;
  Millis pause_{0};
  SteadyTime told_{};
  bool told_once_ = false;
};

}  // namespace weir
