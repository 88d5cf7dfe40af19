// What is wrong with a service, told without binding anything.
#include <weir/text.hpp>

#include "option_readers.hpp"
#include "server_body.hpp"

namespace weir {

namespace {

constexpr Millis kLongest = std::chrono::hours(24 * 24);  // 2^31 ms is a little more.

// Faults of limits and timeouts, by the names that users write.
class NumberFaults {
 public:
  explicit NumberFaults(const ServiceType& type) : type_(type) {}

  // Of two limits that contradict each other, the one that was set is at fault.
  void not_above(const char* low, std::size_t lower, bool low_is_set, const char* high,
                 std::size_t higher) {
    if (lower <= higher) return;
    if (low_is_set) {
      add(low, lower, "expected at most " + std::string(high) + ", which is ", higher);
    } else {
      add(high, higher, "expected at least " + std::string(low) + ", which is ", lower);
    }
  }

  void in_range(const char* name, Millis time) {
    if (time >= Millis{0} && time <= kLongest) return;
    add(name, std::to_string(time.count()) + " ms, expected 0 to 24 days");
  }

  void add(const char* name, const std::string& rest) {
    faults_.push_back({name, std::string(type_.name) + ": " + name + " is " + rest});
  }

  std::vector<OptionFault> take() { return std::move(faults_); }

 private:
  void add(const char* name, std::size_t value, const std::string& expected, std::size_t bound) {
    add(name, std::to_string(value) + ", " + expected + std::to_string(bound));
  }

  const ServiceType& type_;
  std::vector<OptionFault> faults_;
};

std::vector<OptionFault> number_faults(const ServiceType& type, const Limits& limits,
                                       const Timeouts& timeouts) {
  const Limits usual;
  NumberFaults faults(type);
  if (limits.write_high == 0) faults.add("write-high", "0, expected at least 1 byte");
  faults.not_above("write-low", limits.write_low, limits.write_low != usual.write_low, "write-high",
                   limits.write_high);
  faults.not_above("write-high", limits.write_high, limits.write_high != usual.write_high,
                   "write-max", limits.write_max);
  faults.in_range("first-byte", timeouts.first_byte);
  faults.in_range("unfinished", timeouts.unfinished);
  faults.in_range("idle", timeouts.idle);
  faults.in_range("write-stall", timeouts.write_stall);
  faults.in_range("half-closed", timeouts.half_closed);
  faults.in_range("linger", timeouts.linger);
  faults.in_range("linger-total", timeouts.linger_total);
  faults.in_range("handshake", timeouts.handshake);
  return faults.take();
}

}  // namespace

void check_numbers(const ServiceType& type, const Limits& limits, const Timeouts& timeouts) {
  for (const OptionFault& fault : number_faults(type, limits, timeouts)) {
    throw SetupError(fault.sentence, SetupError::Kind::usage, fault.name);
  }
}

std::vector<OptionFault> check(const ServiceType& type, const Listen& service) {
  std::vector<OptionFault> faults = number_faults(type, service.limits, service.timeouts);
  for (const Url& url : service.at) {
    try {
      check_listenable(url);
      static_cast<void>(tls_listener(url));
    } catch (const SetupError& wrong) {
      faults.push_back({"listen", std::string(type.name) + ": " + wrong.what()});
    }
  }
  const std::vector<OptionFault> options = check_options(type, service.options);
  faults.insert(faults.end(), options.begin(), options.end());
  if (!options.empty()) return faults;
  try {
    make_protocol(type, service.options)->listening(service.at);
  } catch (const SetupError& wrong) {
    faults.push_back({wrong.option(), wrong.what()});
  }
  return faults;
}

}  // namespace weir
