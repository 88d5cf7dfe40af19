// What escape gives is printable, valid UTF-8 on one line, within the bound. The first byte is the
// bound.
#include <cstdlib>

#include <weir/text.hpp>

namespace {

// Counts the bytes of the character at the front, 0 if it is none; written apart from the code under
// test, by the table of the Unicode standard.
std::size_t utf8_length(std::string_view s) {
  const auto in = [&](std::size_t i, unsigned low, unsigned high) {
    return i < s.size() && static_cast<unsigned char>(s[i]) >= low &&
           static_cast<unsigned char>(s[i]) <= high;
  };
  if (in(0, 0x00, 0x7f)) return 1;
  if (in(0, 0xc2, 0xdf)) return in(1, 0x80, 0xbf) ? 2 : 0;
  if (in(0, 0xe0, 0xef)) {
    const bool second = in(0, 0xe0, 0xe0)   ? in(1, 0xa0, 0xbf)
                        : in(0, 0xed, 0xed) ? in(1, 0x80, 0x9f)
                                            : in(1, 0x80, 0xbf);
    return second && in(2, 0x80, 0xbf) ? 3 : 0;
  }
  if (in(0, 0xf0, 0xf4)) {
    const bool second = in(0, 0xf0, 0xf0)   ? in(1, 0x90, 0xbf)
                        : in(0, 0xf4, 0xf4) ? in(1, 0x80, 0x8f)
                                            : in(1, 0x80, 0xbf);
    return second && in(2, 0x80, 0xbf) && in(3, 0x80, 0xbf) ? 4 : 0;
  }
  return 0;
}

bool printable(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const unsigned char lead = static_cast<unsigned char>(text[0]);
    if (length == 0 || lead < 0x20 || lead == 0x7f || lead == '"') return false;
    if (lead == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0) return false;
    const std::string_view character = text.substr(0, length);
    for (const std::string_view hidden :
         {"\u061c", "\u200e", "\u200f", "\u2028", "\u2029", "\u202a", "\u202b", "\u202c", "\u202d",
          "\u202e", "\u2066", "\u2067", "\u2068", "\u2069", "\ufeff"}) {
      if (character == hidden) return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t most = data[0];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string cut = weir::escape(text, most);
  if (cut.size() > most || !printable(cut)) std::abort();
  const std::string whole = weir::escape(text, 10 * size);
  if (!printable(whole)) std::abort();
  // Nothing is cut without need, and nothing harmless is changed.
  if (whole.size() <= most && cut != whole) std::abort();
  const bool harmless = printable(text) && text.find('\\') == std::string_view::npos;
  if (harmless != (whole == text)) std::abort();
  return 0;
}
