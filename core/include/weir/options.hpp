// A protocol's options, each said once: the declaration drives the command line, the configuration
// file, --help and the manual.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include <weir/base.hpp>
#include <weir/url.hpp>

namespace weir {

struct ServiceType;

// One option as declared; what help pages are made of.
struct OptionInfo {
  std::string name;           // "line-max"
  std::string kind;           // "size", "number", "duration", "text", "flag", "choice", "urls"
  std::string default_value;  // As a user would write it.
  std::string range;          // "1 to 65536 bytes", "skip, close", empty if anything goes.
  std::string help;
  bool required = false;  // Without it there is no service.
};

// Values by name, as written; an option given several times has several.
using OptionValues = std::map<std::string, std::vector<std::string>, std::less<>>;

// Handed to an Options::read. Each member declares one option and, where a value was given, checks
// it and sets the variable; the variable's value before is the default. Names are lower case with
// dashes. A wrong value is reported with the option, the value and what was expected.
class OptionReader {
 public:
  // Bytes: "4096", "64KiB", "1MB".
  virtual void size(std::string_view name, std::size_t& value, std::size_t least, std::size_t most,
                    std::string_view help) = 0;
  virtual void number(std::string_view name, std::int64_t& value, std::int64_t least,
                      std::int64_t most, std::string_view help) = 0;
  // "250ms", "30s", "5m", "1h"; a bare number is seconds; "off" is 0.
  virtual void duration(std::string_view name, Millis& value, Millis least, Millis most,
                        std::string_view help) = 0;
  virtual void text(std::string_view name, std::string& value, std::string_view help) = 0;
  virtual void flag(std::string_view name, bool& value, std::string_view help) = 0;
  virtual void choice(std::string_view name, std::string& value,
                      std::initializer_list<std::string_view> choices, std::string_view help) = 0;
  // May be given several times.
  virtual void urls(std::string_view name, std::vector<Url>& value, std::string_view help) = 0;

  // An option declared before has to be given: no default makes sense.
  virtual void require(std::string_view name) = 0;

 protected:
  ~OptionReader() = default;
};

// What a protocol declares, in the order of declaration.
WEIR_API std::vector<OptionInfo> describe_options(const ServiceType& type);

struct OptionFault {
  std::string name;      // Of the option, as given.
  std::string sentence;  // What is wrong and what was expected; the protocol's name in front.
};

// Every fault of the values, unknown names with the nearest known one; empty if all is well.
WEIR_API std::vector<OptionFault> check_options(const ServiceType& type,
                                                const OptionValues& values);

}  // namespace weir
