// A listener that serves nothing: it notes who knocks, with which first words, and where else.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>

#include <weir/loop.hpp>
#include <weir/service_type.hpp>

namespace weir::protocols {

struct SniffOptions {
  std::size_t first_max = 256;
  Millis wait{2'000};
  std::int64_t scan_ports = 4;
  Millis scan_time{10'000};

  void read(OptionReader& in);
};

// Who tries several ports within a short time. Any loop.
class ScanWatch {
 public:
  static constexpr std::size_t kSourcesMax = 4'096;  // Whose tries are remembered; the oldest go.

  // The number of ports, the first time that there are enough of them; else 0.
  std::size_t tried(const std::string& source, std::uint16_t port, SteadyTime now,
                    const SniffOptions& options);

 private:
  struct Source {
    SteadyTime since{};
    std::set<std::uint16_t> ports = {};
    bool told = false;
  };
  std::mutex mutex_;
  std::map<std::string, Source> sources_;
};

// One JSON object for each connection, in a line of standard output, and one for each scan.
class Sniff final : public Protocol {
 public:
  using Options = SniffOptions;
  explicit Sniff(const Options& options) : options_(options) {}
  std::unique_ptr<Service> open(Loop& loop) override;

 private:
  const Options options_;
  ScanWatch scans_;
};

inline constexpr ServiceType kSniff =
    protocol_type<Sniff>("sniff", "Prints who connects and what they say first, and hangs up.");

}  // namespace weir::protocols
