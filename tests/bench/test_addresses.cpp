#include <catch2/catch.hpp>

#include <bench/load/addresses.hpp>
#include <weir/base.hpp>

using namespace weir;
using namespace weir::load;

namespace {

using Texts = std::vector<std::string>;

std::string refusal(const std::string& text) {
  try {
    read_addresses(text);
  } catch (const SetupError& wrong) {
    return wrong.what();
  }
  return "";
}

}  // namespace

TEST_CASE("addresses: a number is so many of loopback from 127.0.0.2 on") {
  CHECK(read_addresses("1") == Texts{"127.0.0.2"});
  CHECK(read_addresses("3") == Texts{"127.0.0.2", "127.0.0.3", "127.0.0.4"});
  CHECK(read_addresses("253").back() == "127.0.0.254");
}

TEST_CASE("addresses: a list has both families, in the order said") {
  CHECK(read_addresses("10.0.0.9,::1,10.0.0.1") == Texts{"10.0.0.9", "::1", "10.0.0.1"});
}

TEST_CASE("addresses: a range has both its ends, and may stand in a list") {
  CHECK(read_addresses("127.0.0.2-127.0.0.4,127.0.0.9-127.0.0.9") ==
        Texts{"127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.9"});
}

TEST_CASE("addresses: a number out of range is told with the range") {
  const std::string text = GENERATE("0", "254", "99999999999999999999");

  CHECK(refusal(text) == "\"" + text + "\" is no number of addresses, expected 1 to 253");
}

TEST_CASE("addresses: a word that is no address is told with the forms that there are") {
  const std::string text = GENERATE("", "127.0.0.2,", ",127.0.0.2", "localhost", "-1", "127.0.0",
                                    "127.0.0.2 ,127.0.0.3", "127.0.0.2-", "[::1]");

  CHECK_THAT(refusal(text), Catch::Contains("is no IPv4 or IPv6 address, expected a number from"));
}

TEST_CASE("addresses: a range goes upwards within a network of 256") {
  const std::string text =
      GENERATE("127.0.0.9-127.0.0.2", "127.0.0.2-127.0.1.2", "::1-::9", "127.0.0.2-::9");

  CHECK_THAT(refusal(text), Catch::Contains("\"" + text + "\" is no range of addresses"));
}

TEST_CASE("addresses: what stands for every address is none") {
  const std::string text = GENERATE("0.0.0.0", "::", "0.0.0.0-0.0.0.3");

  CHECK_THAT(refusal(text), Catch::Contains("is every address, expected a single one"));
}

TEST_CASE("addresses: the same one twice is told, however it is written") {
  CHECK_THAT(refusal("127.0.0.3,127.0.0.2-127.0.0.4"),
             Catch::Contains("\"127.0.0.3\" is said twice"));
  CHECK_THAT(refusal("::1,0:0::1"), Catch::Contains("\"0:0::1\" is said twice"));
}

TEST_CASE("addresses: more than can be meant are refused") {
  std::string text;
  for (int i = 0; i < 17; ++i) {
    const std::string network = "10.0." + std::to_string(i) + ".";
    text.append(i == 0 ? "" : ",").append(network + "0-").append(network + "255");
  }

  CHECK_THAT(refusal(text), Catch::Contains("more than 4096 addresses, from \"10.0.16.0\" on"));
}

TEST_CASE("addresses: what comes from outside is escaped") {
  CHECK_THAT(refusal("\x1b[2J"), Catch::StartsWith("\"\\x1b[2J\""));
}
