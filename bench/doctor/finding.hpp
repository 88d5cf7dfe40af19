// What is found about one matter, and how it can be mended.
#pragma once

#include <cstdint>
#include <string>

namespace weir::load {

enum class Severity : std::uint8_t {
  ok,
  remark,   // The load can be held; a figure may mean something else than it seems to.
  fault,    // The load cannot be held.
  unknown,  // The system does not tell.
};

const char* name_of(Severity severity);  // "ok", "remark", "fault", "unknown"

struct Finding {
  std::string name;  // Of the matter: "ports"
  Severity severity = Severity::ok;
  std::string text;  // One sentence with the numbers, without a full stop.
  std::string fix;   // A command line or an option to paste; empty if there is none.
};

// "1,234,567"
std::string grouped(std::uint64_t number);
// "512 B", "10.3 KiB", "1.5 GiB"
std::string as_bytes_text(double bytes);

}  // namespace weir::load
