// What the program can be told besides a protocol's options, on the command line and in a file.
#pragma once

#include <weir/server.hpp>

namespace weir::program {

// Of the process: [server] in a file.
struct ProcessSettings {
  static constexpr const char* kName = "server";

  std::int64_t loops = 0;
  std::int64_t connections = 0;
  std::int64_t pipes_max = static_cast<std::int64_t>(ServerOptions{}.pipes_max);
  Millis drain = ServerOptions{}.drain;
  bool trace = false;
  bool once = false;
  std::string level = "info";
  std::string log_file;
  std::string log_format = "text";
  bool access_log = false;

  void read(OptionReader& in);
  ServerOptions options() const;
};

// Of each service: limits and timeouts.
struct ServiceSettings {
  static constexpr const char* kName = "service";

  ServiceSettings() = default;
  explicit ServiceSettings(const ServiceType& type) : timeouts(timeouts_for(type)) {}

  Limits limits;
  Timeouts timeouts;

  void read(OptionReader& in);
};

}  // namespace weir::program
