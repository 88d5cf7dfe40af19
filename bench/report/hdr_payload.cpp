#include "hdr_payload.hpp"

#include <openssl/evp.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <stdexcept>

namespace weir::load {

namespace {

// The lowest hexadecimal digit but one tells of words of variable length.
constexpr std::uint32_t kCookie = 0x1c849303 | 0x10;
constexpr std::uint32_t kCompressedCookie = 0x1c849304 | 0x10;
constexpr std::uint32_t kCookieMask = ~std::uint32_t{0xf0};
constexpr std::size_t kUnfoldedMost = 64 << 20;       // Bytes; five digits over 63 bits need 57 MB.
constexpr std::size_t kPayloadMost = 64 << 20;        // Characters.
constexpr std::uint64_t kRatio = 0x3ff0000000000000;  // The double 1: values are whole numbers.

[[noreturn]] void refuse(const std::string& what) {
  throw std::invalid_argument("this is no payload of an HdrHistogram: " + what);
}

void put(std::string& to, std::uint64_t value, unsigned bytes) {
  while (bytes-- > 0) to += static_cast<char>(value >> (8 * bytes) & 0xff);
}

// Reads forward through bytes; whoever takes more than there are is refused.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }
  std::size_t left() const { return rest_.size(); }

  std::string_view take(std::size_t size) {
    if (size > rest_.size()) refuse("it ends too early");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::uint8_t byte() { return static_cast<std::uint8_t>(take(1).front()); }

  std::uint64_t number(unsigned bytes) {
    std::uint64_t value = 0;
    while (bytes-- > 0) value = value << 8 | byte();
    return value;
  }

 private:
  std::string_view rest_;
};

// ZigZag LEB128: seven bits to a byte, the lowest first; a ninth byte is taken whole.
void put_count(std::string& to, std::int64_t count) {
  auto bits = static_cast<std::uint64_t>(count) << 1 ^ static_cast<std::uint64_t>(count >> 63);
  for (int taken = 0; taken < 8 && bits > 0x7f; ++taken) {
    to += static_cast<char>((bits & 0x7f) | 0x80);
    bits >>= 7;
  }
  to += static_cast<char>(bits);
}

std::int64_t take_count(Reader& from) {
  std::uint64_t bits = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint64_t byte = from.byte();
    const bool last = shift == 56 || byte < 0x80;
    bits |= (shift == 56 ? byte : byte & 0x7f) << shift;
    if (last) break;
  }
  return static_cast<std::int64_t>(bits >> 1 ^ (0 - (bits & 1)));
}

// A run of zeros is one negative number, its length.
std::string encode_counts(std::span<const std::uint64_t> counts) {
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  const auto is_counted = [](std::uint64_t count) { return count != 0; };
  auto at = counts.begin();
  const auto end = std::find_if(counts.rbegin(), counts.rend(), is_counted).base();
  std::string bytes;
  while (at != end) {
    const auto next = std::find_if(at, end, is_counted);
    if (next - at > 1) {
      put_count(bytes, at - next);
      at = next;
    } else {
      put_count(bytes, static_cast<std::int64_t>(std::min(*at++, most)));
    }
  }
  return bytes;
}

std::vector<std::uint64_t> decode_counts(Reader from, std::size_t buckets) {
  std::vector<std::uint64_t> counts;
  while (!from.empty()) {
    const std::int64_t count = take_count(from);
    const std::uint64_t run = count < 0 ? 0 - static_cast<std::uint64_t>(count) : 1;
    if (run > buckets - counts.size()) refuse("it has more counts than its range has buckets");
    counts.resize(counts.size() + run, count < 0 ? 0 : static_cast<std::uint64_t>(count));
  }
  while (!counts.empty() && counts.back() == 0) counts.pop_back();
  return counts;
}

// log2 of the buckets of a range: the least power of two that tells 10^digits values apart.
unsigned range_bits(unsigned digits) {
  std::uint64_t values = 1;
  for (unsigned i = 0; i < digits; ++i) values *= 10;
  return static_cast<unsigned>(std::bit_width(values - 1));
}

unsigned unit_bits(std::uint64_t lowest) {
  return static_cast<unsigned>(std::bit_width(lowest | 1)) - 1;
}

// How many buckets there are up to the end of the range that the highest value is in.
std::size_t buckets_of(const HdrCounts& layout) {
  const unsigned bits = range_bits(layout.significant_digits);
  const auto high =
      static_cast<unsigned>(std::bit_width(layout.highest >> unit_bits(layout.lowest)));
  const unsigned shift = high > bits + 1 ? high - bits - 1 : 0;
  return (std::size_t{shift} + 2) << bits;
}

std::string fold(const std::string& bytes) {
  uLongf size = compressBound(static_cast<uLong>(bytes.size()));
  std::string folded(size, '\0');
  if (compress(reinterpret_cast<Bytef*>(folded.data()), &size,
               reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()) != Z_OK) {
    throw std::bad_alloc();  // The room suffices, so only memory can lack.
  }
  folded.resize(size);
  return folded;
}

// Grows step by step, so that a few bytes cannot claim memory that nothing fills.
std::string unfold(std::string_view folded) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) throw std::bad_alloc();
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(folded.data()));
  stream.avail_in = static_cast<uInt>(folded.size());
  std::string bytes;
  int state = Z_OK;
  while (state == Z_OK && bytes.size() < kUnfoldedMost) {
    const std::size_t before = bytes.size();
    bytes.resize(std::clamp<std::size_t>(before * 2, 4'096, kUnfoldedMost));
    stream.next_out = reinterpret_cast<Bytef*>(bytes.data() + before);
    stream.avail_out = static_cast<uInt>(bytes.size() - before);
    state = inflate(&stream, Z_NO_FLUSH);
    bytes.resize(bytes.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (state == Z_OK) refuse("it unfolds to more than 64 MiB");
  if (state != Z_STREAM_END) refuse("what zlib compressed is damaged or cut short");
  return bytes;
}

std::string base64(const std::string& bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // OpenSSL ends it with a NUL.
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::string from_base64(std::string_view text) {
  const std::size_t letters = std::min(text.find_last_not_of('=') + 1, text.size());
  const std::size_t padding = text.size() - letters;
  const auto strange = [](char c) {
    return !(('A' <= c && c <= 'Z') || ('a' <= c && c <= 'z') || ('0' <= c && c <= '9') ||
             c == '+' || c == '/');
  };
  if (text.empty()) refuse("it is empty");
  if (text.size() > kPayloadMost) refuse("it is longer than 64 MiB");
  const bool whole = text.size() % 4 == 0 && padding <= 2;
  if (!whole ||
      std::any_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(letters), strange)) {
    refuse("it is not base64");
  }
  std::string bytes(text.size() / 4 * 3, '\0');
  EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                  reinterpret_cast<const unsigned char*>(text.data()),
                  static_cast<int>(text.size()));
  bytes.resize(bytes.size() - padding);
  return bytes;
}

HdrCounts read_layout(Reader& from) {
  HdrCounts layout;
  from.number(4);  // By how much the writer had shifted its buckets in memory; here they are not.
  layout.significant_digits = static_cast<unsigned>(from.number(4));
  layout.lowest = from.number(8);
  layout.highest = from.number(8);
  if (layout.significant_digits > 5) {
    refuse("it has " + std::to_string(layout.significant_digits) +
           " significant digits, and at most 5 are possible");
  }
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  if (layout.lowest < 1 || layout.lowest > layout.highest / 2 || layout.highest > most) {
    refuse("its range of " + std::to_string(layout.lowest) + " to " +
           std::to_string(layout.highest) + " is none");
  }
  from.number(8);  // The ratio to what a histogram of floating-point values held.
  return layout;
}

void expect_cookie(Reader& from, std::uint32_t expected) {
  if ((from.number(4) & kCookieMask) != (expected & kCookieMask)) {
    refuse("it does not begin as the V2 compressed encoding does");
  }
}

}  // namespace

std::string hdr_payload(std::span<const std::uint64_t> counts, unsigned significant_digits,
                        std::uint64_t lowest, std::uint64_t highest) {
  const std::string encoded = encode_counts(counts);
  std::string plain;
  put(plain, kCookie, 4);
  put(plain, encoded.size(), 4);
  put(plain, 0, 4);  // The buckets begin where they are.
  put(plain, significant_digits, 4);
  put(plain, lowest, 8);
  put(plain, highest, 8);
  put(plain, kRatio, 8);
  const std::string folded = fold(plain + encoded);
  std::string bytes;
  put(bytes, kCompressedCookie, 4);
  put(bytes, folded.size(), 4);
  return base64(bytes + folded);
}

HdrCounts read_hdr_payload(std::string_view payload) {
  const std::string bytes = from_base64(payload);
  Reader outer(bytes);
  expect_cookie(outer, kCompressedCookie);
  const std::string plain = unfold(outer.take(outer.number(4)));
  Reader inner(plain);
  expect_cookie(inner, kCookie);
  const std::uint64_t size = inner.number(4);
  HdrCounts read = read_layout(inner);
  read.counts = decode_counts(Reader(inner.take(size)), buckets_of(read));
  return read;
}

std::uint64_t hdr_highest(std::size_t index, unsigned significant_digits, std::uint64_t lowest) {
  const unsigned bits = range_bits(significant_digits);
  const std::size_t range = index >> bits;
  const std::size_t shift = range > 1 ? range - 1 : 0;
  const std::uint64_t first = std::uint64_t{index} - (shift << bits);
  return ((first + 1) << (shift + unit_bits(lowest))) - 1;
}

}  // namespace weir::load
