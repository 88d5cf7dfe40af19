// A configuration file: read and checked as a whole, every fault with its place.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include <weir/server.hpp>

#include "exit_codes.hpp"
#include "settings.hpp"

namespace weir::program {

struct Place {
  std::size_t line = 1;
  std::size_t column = 1;  // In characters.

  friend bool operator==(const Place&, const Place&) = default;
};

struct Fault {
  Place at;
  std::string sentence;
};

// The keys of a table: what they say, and where each stands.
struct Given {
  OptionValues values;
  std::map<std::string, Place, std::less<>> places;
};

// A [[service]].
struct ServiceSection {
  Place at;
  const ServiceType* type = nullptr;
  Given given;
  Given tls = {};  // In [service.tls].
  Listen listen;
};

struct Configuration {
  std::string file;
  ProcessSettings process;
  Given given;  // In [server].
  std::vector<ServiceSection> services;
  // In the order of the file. If there is one, the rest is not to be used.
  std::vector<Fault> faults;

  std::string place(const Place& at) const;    // "weir.toml:3:7"
  std::vector<std::string> sentences() const;  // "weir.toml:3:7: what is wrong"
};

constexpr std::size_t kFileMax = 1 << 20;  // Bytes of a configuration.

// "-" is standard input. Throws SetupError if the file cannot be read or is too large.
Configuration read_configuration(const std::string& file, std::span<const ServiceType> types);
Configuration parse_configuration(std::string_view text, const std::string& file,
                                  std::span<const ServiceType> types);

void sort_faults(Configuration& found);  // By place.

// The same for a command: tells the faults on standard error, a line each, and returns the exit code
// for them; kDone if the configuration is to be used.
Exit load(Configuration& into, const std::string& file, std::span<const ServiceType> types);

// The keys that every service has besides its protocol's options, limits and timeouts.
std::vector<OptionInfo> service_keys();
// Of [service.tls]: keys of URLs, said for all of a service's.
std::vector<OptionInfo> tls_keys();

}  // namespace weir::program
