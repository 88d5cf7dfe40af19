// Whatever comes in, what goes out is one line of valid UTF-8 without control characters, and cleaning
// it again changes nothing. Text that was clean already stays as it is.
#include <cstdlib>
#include <string>

#include <weir/text.hpp>

namespace {

// Written apart from the product's own decoder: sizes and ranges from RFC 3629, section 4.
std::size_t character(const unsigned char* at, std::size_t left) {
  const auto tail = [&](std::size_t i, unsigned least = 0x80, unsigned most = 0xbf) {
    return i < left && at[i] >= least && at[i] <= most;
  };
  const unsigned lead = at[0];
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return tail(1) ? 2 : 0;
  if (lead == 0xe0) return tail(1, 0xa0) && tail(2) ? 3 : 0;
  if (lead == 0xed) return tail(1, 0x80, 0x9f) && tail(2) ? 3 : 0;
  if (lead >= 0xe1 && lead <= 0xef) return tail(1) && tail(2) ? 3 : 0;
  if (lead == 0xf0) return tail(1, 0x90) && tail(2) && tail(3) ? 4 : 0;
  if (lead >= 0xf1 && lead <= 0xf3) return tail(1) && tail(2) && tail(3) ? 4 : 0;
  if (lead == 0xf4) return tail(1, 0x80, 0x8f) && tail(2) && tail(3) ? 4 : 0;
  return 0;
}

bool is_clean(std::string_view text) {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t size = character(at + i, text.size() - i);
    if (size == 0) return false;
    if (size == 1 && (at[i] < 0x20 || at[i] == 0x7f)) return false;
    const std::string_view one = text.substr(i, size);
    for (const std::string_view hidden :
         {"\xc2\x85", "\xc2\x9b", "\xd8\x9c", "\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x80\xa8",
          "\xe2\x80\xa9", "\xe2\x80\xaa", "\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x81\xa9"}) {
      if (one == hidden) return false;
    }
    i += size;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string once = weir::clean(text);
  if (!is_clean(once)) std::abort();
  if (weir::clean(once) != once) std::abort();
  if (once.size() > 3 * size) std::abort();
  return 0;
}
