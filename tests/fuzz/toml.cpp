// Whatever a configuration file holds: reading it ends, and either all of it is good or every fault has a
// place and is one line of printable text.
#include <cstdlib>
#include <string>

#include <protocols/bundled.hpp>
#include <servers/configuration.hpp>

#include <weir/text.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto types = weir::protocols::bundled();
  const auto found = weir::program::parse_configuration(text, "fuzz.toml", types);
  for (const weir::program::Fault& fault : found.faults) {
    if (fault.at.line < 1 || fault.at.column < 1 || fault.sentence.empty()) std::abort();
    if (weir::clean(fault.sentence) != fault.sentence) std::abort();
  }
  if (!found.faults.empty()) return 0;
  if (found.services.empty()) std::abort();
  for (const weir::program::ServiceSection& section : found.services) {
    if (section.type == nullptr || section.listen.at.empty()) std::abort();
  }
  return 0;
}
