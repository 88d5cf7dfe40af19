// Colours, where somebody sees them.
#pragma once

#include <string>
#include <string_view>

namespace weir::load {

// Says nothing but the text when colours are off.
struct Paint {
  bool on = false;

  std::string good(std::string_view text) const { return in("32", text); }
  std::string bad(std::string_view text) const { return in("31;1", text); }
  std::string strong(std::string_view text) const { return in("1", text); }
  std::string faint(std::string_view text) const { return in("2", text); }

 private:
  std::string in(const char* code, std::string_view text) const {
    if (!on) return std::string(text);
    return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
  }
};

}  // namespace weir::load
