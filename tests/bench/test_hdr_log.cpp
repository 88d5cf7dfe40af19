#include <openssl/evp.h>
#include <zlib.h>
#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <map>
#include <random>

#include <bench/report/hdr_log.hpp>

using namespace weir::load;

namespace {

using Counts = std::vector<std::uint64_t>;

// Where HdrHistogram's own formula puts a value, for a lowest value of 1.
std::size_t bucket(std::uint64_t value, unsigned range_bits) {
  const auto high = static_cast<unsigned>(std::bit_width(value));
  const unsigned shift = high > range_bits + 1 ? high - range_bits - 1 : 0;
  return (std::size_t{shift} << range_bits) + (value >> shift);
}

Counts counts_of(const std::map<std::uint64_t, std::uint64_t>& values, unsigned range_bits = 10) {
  Counts counts(bucket(values.rbegin()->first, range_bits) + 1);
  for (const auto& [value, times] : values) counts[bucket(value, range_bits)] += times;
  return counts;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    lines.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return lines;
}

// A payload of any bytes in place of header and counts.
std::string payload_of(const std::string& plain) {
  std::string bytes(8 + compressBound(plain.size()), '\0');
  uLongf size = bytes.size() - 8;
  compress(reinterpret_cast<Bytef*>(bytes.data()) + 8, &size,
           reinterpret_cast<const Bytef*>(plain.data()), plain.size());
  bytes.resize(8 + size);
  for (unsigned i = 0; i < 4; ++i) {
    bytes[i] = static_cast<char>(0x1c849314u >> (24 - 8 * i));
    bytes[4 + i] = static_cast<char>(size >> (24 - 8 * i));
  }
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                  reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  text.pop_back();
  return text;
}

// Made by hdr-histogram-js 3.0.1. 0 once, 1 twice, 2,047 three times, 2,048 once, 35 µs 100,000
// times, 35,020 ns seven times, 1,234,567 ns 300 times and a minute twice, to three digits.
constexpr std::string_view kOfThreeDigits =
    "HISTFAAAADh4nJNpmSzMwMAgwsDAwMjAwMDMAAEgNu8P9wgGGJ+J5ac8G1O744FZPHy3A2+wdP9kZAEAxoMJ+A==";
// 5 once, 255 twice, 256 70 times and 999,999 once, to two digits and a million.
constexpr std::string_view kOfTwoDigits =
    "HISTFAAAACx4nJNpmSzMwMDAxcDAwMjAwMDEAAGMYJLfyQHG52T6yMzSw/hUnAkAWR8EdQ==";
// 500 once, 1,500 twice and 2,100,000 nine times, where 1,000 is the lowest value told apart.
constexpr std::string_view kOfThousands =
    "HISTFAAAACt4nJNpmSzMwMDAxsDAwMjAwMDMAAbML0DktclLGKCAkYmB5be+EAB1/AWM";

}  // namespace

TEST_CASE("hdr: a payload of another program is read with the same counts") {
  const HdrCounts read = read_hdr_payload(kOfThreeDigits);

  CHECK(read.significant_digits == 3);
  CHECK(read.lowest == 1);
  CHECK(read.highest == 60'000'000'000);
  CHECK(read.counts == counts_of({{0, 1},
                                  {1, 2},
                                  {2'047, 3},
                                  {2'048, 1},
                                  {35'000, 100'000},
                                  {35'020, 7},
                                  {1'234'567, 300},
                                  {60'000'000'000, 2}}));
}

TEST_CASE("hdr: fewer digits are read in their own layout") {
  const HdrCounts read = read_hdr_payload(kOfTwoDigits);

  CHECK(read.significant_digits == 2);
  CHECK(read.highest == 1'000'000);
  CHECK(read.counts == counts_of({{5, 1}, {255, 2}, {256, 70}, {999'999, 1}}, 7));
}

TEST_CASE("hdr: a higher lowest value makes the buckets wider") {
  const HdrCounts read = read_hdr_payload(kOfThousands);

  // 1,000 is told apart by units of 512.
  CHECK(read.lowest == 1'000);
  CHECK(read.counts == counts_of({{0, 1}, {2, 2}, {2'100'000 / 512, 9}}));
  CHECK(hdr_highest(2, 3, 1'000) == 1'535);
}

TEST_CASE("hdr: what was written is what is read, whatever the counts are") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 100; ++round) {
    Counts counts(1 + random() % (bucket(60'000'000'000, 10) + 1));
    const std::size_t filled = random() % 300;
    for (std::size_t i = 0; i < filled; ++i) {
      counts[random() % counts.size()] = random() >> (1 + random() % 63);
    }

    const HdrCounts read = read_hdr_payload(hdr_payload(counts));

    while (!counts.empty() && counts.back() == 0) counts.pop_back();
    REQUIRE(read.counts == counts);
  }
}

TEST_CASE("hdr: the largest count fits") {
  const Counts counts{0, 0x7fffffffffffffff, 0, 1};

  CHECK(read_hdr_payload(hdr_payload(counts)).counts == counts);
}

TEST_CASE("hdr: nothing recorded is a payload too") {
  const Counts counts(5'000);

  CHECK(read_hdr_payload(hdr_payload(counts)).counts.empty());
}

TEST_CASE("hdr: the highest value of a bucket is the last before the next one") {
  for (std::uint64_t value = 1; value < 60'000'000'000; value += 1 + value / 3) {
    const std::uint64_t highest = hdr_highest(bucket(value, 10));

    REQUIRE(highest >= value);
    REQUIRE(bucket(highest, 10) == bucket(value, 10));
    REQUIRE(bucket(highest + 1, 10) == bucket(value, 10) + 1);
  }
}

TEST_CASE("hdr: a payload cut anywhere is refused") {
  for (std::size_t size = 0; size < kOfThreeDigits.size(); ++size) {
    REQUIRE_THROWS_AS(read_hdr_payload(kOfThreeDigits.substr(0, size)), std::invalid_argument);
  }
}

TEST_CASE("hdr: a garbled payload is refused, or read within its bounds") {
  std::mt19937_64 random(11);
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
  int refused = 0;
  std::size_t longest = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string garbled(kOfThreeDigits);
    for (std::uint64_t i = 0; i <= random() % 3; ++i) {
      garbled[random() % garbled.size()] = alphabet[random() % alphabet.size()];
    }
    try {
      longest = std::max(longest, read_hdr_payload(garbled).counts.size());
    } catch (const std::invalid_argument&) {
      ++refused;
    }
  }

  CHECK(refused > 19'000);
  CHECK(longest <= 27u << 10);
}

TEST_CASE("hdr: what is wrong with a payload is said") {
  CHECK_THROWS_WITH(read_hdr_payload(""), Catch::EndsWith("it is empty"));
  CHECK_THROWS_WITH(read_hdr_payload("HIST FA="), Catch::EndsWith("it is not base64"));
  CHECK_THROWS_WITH(read_hdr_payload("A=AA"), Catch::EndsWith("it is not base64"));
  CHECK_THROWS_WITH(read_hdr_payload("AAAAAAAAAAAA"), Catch::Contains("V2 compressed encoding"));
  CHECK_THROWS_WITH(read_hdr_payload("HISTFAAA"), Catch::EndsWith("it ends too early"));
  CHECK_THROWS_WITH(read_hdr_payload("HISTFAAAAAQAAAAA"), Catch::Contains("damaged or cut short"));
}

TEST_CASE("hdr: more counts than the range has buckets are refused") {
  const Counts counts(40'000, 1);

  CHECK_THROWS_WITH(read_hdr_payload(hdr_payload(counts)), Catch::Contains("more counts than"));
  CHECK_THROWS_WITH(read_hdr_payload(hdr_payload(counts, 7)), Catch::Contains("at most 5"));
  CHECK_THROWS_WITH(read_hdr_payload(hdr_payload(counts, 3, 0)), Catch::Contains("of 0 to 6"));
}

TEST_CASE("hdr: garbled counts behind a right checksum are refused, or read within their bounds") {
  const std::string right(
      "\x1c\x84\x93\x13\0\0\0\x14\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\0\x01"
      "\0\0\0\x0d\xf8\x47\x58\0\x3f\xf0\0\0\0\0\0\0"
      "\x02\x04\xf9\x1f\x06\x02\x87\x41\xc0\x9a\x0c\x0e\xdb\x51\xd8\x04\x8b\xf9\x01\x04",
      60);
  REQUIRE(read_hdr_payload(payload_of(right)).counts == read_hdr_payload(kOfThreeDigits).counts);
  std::mt19937_64 random(13);
  std::size_t longest = 0;
  for (int round = 0; round < 5'000; ++round) {
    std::string garbled = right.substr(0, random() % 3 == 0 ? random() % right.size() : 60);
    for (std::uint64_t i = 0; !garbled.empty() && i <= random() % 3; ++i) {
      garbled[random() % garbled.size()] = static_cast<char>(random());
    }
    try {
      longest = std::max(longest, read_hdr_payload(payload_of(garbled)).counts.size());
    } catch (const std::invalid_argument&) {
      continue;
    }
  }

  CHECK(longest > 0);
  CHECK(longest <= std::size_t{65} << 17);  // Five digits over all of 63 bits.
}

TEST_CASE("hdr: few bytes cannot unfold to more than 64 MiB") {
  const std::string payload = payload_of(std::string(65 << 20, '\1'));

  CHECK(payload.size() < 100'000);
  CHECK_THROWS_WITH(read_hdr_payload(payload), Catch::EndsWith("more than 64 MiB"));
}

TEST_CASE("hdr log: the header says the version and when it began") {
  const std::vector<std::string> comments{"weir bench echo", "two\nlines"};
  const HdrLog log(std::chrono::system_clock::time_point(std::chrono::milliseconds(1'500)),
                   comments);

  CHECK(log.text() ==
        "#weir bench echo\n#twolines\n"
        "#[Histogram log format version 1.3]\n"
        "#[StartTime: 1.500 (seconds since epoch), Thu Jan 01 00:00:01 UTC 1970]\n"
        "#[BaseTime: 1.500 (seconds since epoch)]\n"
        "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
        "\"Interval_Compressed_Histogram\"\n");
}

TEST_CASE("hdr log: an interval is its start, length, highest in ms, and its payload") {
  const Counts counts = counts_of({{100, 5}, {2'000'000, 1}});
  HdrLog log({});

  log.add(0, 1, counts);
  log.add(1, 0.25, Counts(10));

  const std::vector<std::string> lines = lines_of(log.text());
  REQUIRE(lines.size() == 6);
  // The bucket of 2 ms is 1,024 ns wide.
  CHECK(lines[4] == "0.000,1.000,2.001," + hdr_payload(counts));
  CHECK(lines[5] == "1.000,0.250,0.000," + hdr_payload({}));
}
