// The options of `weir serve` that are not a protocol's.
#pragma once

#include <weir/server.hpp>

namespace weir::program {

struct ServeSettings {
  static constexpr const char* kName = "serve";

  std::int64_t loops = 0;
  std::int64_t connections = 0;
  std::int64_t pipes_max = static_cast<std::int64_t>(ServerOptions{}.pipes_max);
  Millis drain = ServerOptions{}.drain;
  bool trace = false;
  std::string level = "info";
  Limits limits;
  Timeouts timeouts;

  void read(OptionReader& in);
  ServerOptions server() const;

 private:
  void read_limits(OptionReader& in);
  void read_timeouts(OptionReader& in);
};

}  // namespace weir::program
