#include <weir/text.hpp>

#include <algorithm>
#include <vector>

namespace weir {

namespace {

struct Character {
  char32_t code = 0;
  std::size_t size = 0;  // In bytes; 0 if the bytes are not UTF-8.
};

bool is_tail(unsigned char byte) { return (byte & 0xc0) == 0x80; }

// The first character of a non-empty text. Strict: no overlong form, no surrogate, nothing above
// U+10FFFF, for each of these has hidden something from a filter before.
Character decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return {};
  char32_t code = lead & (0xffu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if (!is_tail(byte(i))) return {};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kLeast[size] || code > 0x10ffff || surrogate) return {};
  return {code, size};
}

// What would end the line, move the cursor, or show the text in another order than it is in.
bool is_hidden(char32_t code) {
  return (code >= 0x7f && code <= 0x9f) || code == 0x061c || code == 0x200e || code == 0x200f ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

std::string hex(char32_t number, std::size_t width) {
  std::string digits;
  for (; number != 0 || digits.size() < width; number >>= 4) {
    digits.insert(digits.begin(), "0123456789abcdef"[number & 0xf]);
  }
  return digits;
}

std::string shown(Character character, std::string_view raw) {
  const char32_t code = character.code;
  if (character.size == 0) return "\\x" + hex(static_cast<unsigned char>(raw[0]), 2);
  if (code == '\n') return "\\n";
  if (code == '\r') return "\\r";
  if (code == '\t') return "\\t";
  if (code < 0x20 || code == 0x7f || code == '"' || code == '\\') return "\\x" + hex(code, 2);
  if (is_hidden(code)) return "\\u{" + hex(code, 4) + "}";
  return std::string(raw.substr(0, character.size));
}

}  // namespace

std::string escape(std::string_view text, std::size_t most) {
  constexpr std::string_view kCut = "...";
  std::string out;
  std::size_t room_for_cut = 0;  // How much of `out` stays if it must be cut.
  while (!text.empty()) {
    const Character character = decode(text);
    const std::string piece = shown(character, text);
    if (piece.size() > most - out.size()) {
      out.resize(room_for_cut);
      return out.append(kCut.substr(0, most - out.size()));
    }
    out += piece;
    if (out.size() + kCut.size() <= most) room_for_cut = out.size();
    text.remove_prefix(std::max<std::size_t>(character.size, 1));
  }
  return out;
}

std::string clean(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character character = decode(text);
    const std::size_t size = std::max<std::size_t>(character.size, 1);
    if (character.size == 0) {
      out += "\xef\xbf\xbd";  // U+FFFD.
    } else if (character.code == '\t') {
      out += ' ';
    } else if (character.code >= 0x20 && !is_hidden(character.code)) {
      out += text.substr(0, size);
    }
    text.remove_prefix(size);
  }
  return out;
}

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_name_letter(char c) {
  const char small = lower(c);
  return (small >= 'a' && small <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

// Edits from one word to the other: a letter more, less or another, or two neighbours swapped. A
// difference in case is none.
std::size_t edits(std::string_view from, std::string_view to) {
  std::vector<std::size_t> before_last(to.size() + 1);
  std::vector<std::size_t> last(to.size() + 1);
  std::vector<std::size_t> row(to.size() + 1);
  for (std::size_t j = 0; j <= to.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= from.size(); ++i) {
    before_last.swap(last);
    last.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= to.size(); ++j) {
      const bool same = lower(from[i - 1]) == lower(to[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lower(from[i - 1]) == lower(to[j - 2]) &&
                           lower(from[i - 2]) == lower(to[j - 1]);
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row[to.size()];
}

}  // namespace

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

bool is_name(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most &&
         std::all_of(text.begin(), text.end(), is_name_letter);
}

std::string nearest(std::string_view word, std::span<const std::string> candidates) {
  constexpr std::size_t kLongest = 64;  // Nobody means a word of ours by a longer one.
  if (word.empty() || word.size() > kLongest) return {};
  const std::size_t allowed = std::max<std::size_t>(1, word.size() / 3);
  std::size_t fewest = allowed + 1;
  const std::string* best = nullptr;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > word.size() + allowed) continue;
    const std::size_t distance = edits(word, candidate);
    // A word changed in every letter resembles nothing.
    if (distance >= fewest || distance >= std::max(word.size(), candidate.size())) continue;
    fewest = distance;
    best = &candidate;
  }
  return best ? *best : std::string();
}

}  // namespace weir
