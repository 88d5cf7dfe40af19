#include <catch2/catch.hpp>

#include <netinet/in.h>

#include <cstring>

#include <weir/address.hpp>

#include "../../core/src/sockaddr.hpp"

using weir::Address;

TEST_CASE("address: a value of 24 bytes") { CHECK(sizeof(Address) == 24); }

TEST_CASE("address: what was never set is none") {
  const Address none;

  CHECK(none.family() == Address::Family::none);
  CHECK(none.ip().empty());
  CHECK(none.text() == "none");
}

TEST_CASE("address: a numeric address is parsed and printed with its port") {
  struct Row {
    const char* ip;
    const char* text;
  };
  const Row row =
      GENERATE(Row{"127.0.0.1", "127.0.0.1:9000"}, Row{"255.255.255.255", "255.255.255.255:9000"},
               Row{"::1", "[::1]:9000"}, Row{"2001:DB8::a", "[2001:db8::a]:9000"},
               Row{"::ffff:1.2.3.4", "[::ffff:1.2.3.4]:9000"});

  const auto address = Address::parse(row.ip, 9000);

  REQUIRE(address);
  CHECK(address->text() == row.text);
}

TEST_CASE("address: what is not a bare numeric address is not parsed") {
  const std::string text =
      GENERATE(as<std::string>(), "", "localhost", "127.0.0", "127.0.0.256", "010.0.0.1", "[::1]",
               "::1%lo", "1.2.3.4 ", std::string("1.2.3.4\0", 8), ":::", "1:2:3:4:5:6:7:8:9",
               "1111:1111:1111:1111:1111:1111:1111:1111:1111:1111");

  CHECK_FALSE(Address::parse(text, 1));
}

TEST_CASE("address: loopback is told from the rest of the world") {
  CHECK(Address::parse("127.0.0.1", 1)->is_loopback());
  CHECK(Address::parse("127.255.0.9", 1)->is_loopback());
  CHECK(Address::parse("::1", 1)->is_loopback());
  CHECK(Address::parse("::ffff:127.0.0.1", 1)->is_loopback());
  CHECK(Address::local().is_loopback());
  CHECK_FALSE(Address().is_loopback());
  CHECK_FALSE(Address::parse("128.0.0.1", 1)->is_loopback());
  CHECK_FALSE(Address::parse("::", 1)->is_loopback());
  CHECK_FALSE(Address::parse("1::1", 1)->is_loopback());
  CHECK_FALSE(Address::parse("::ffff:128.0.0.1", 1)->is_loopback());
}

TEST_CASE("address: a Unix peer is told by its credentials, where there are any") {
  const Address known = Address::local(weir::Credentials{12, 0, 7});

  CHECK(known.text() == "unix:pid=12,uid=0");
  REQUIRE(known.credentials());
  CHECK(known.credentials()->gid == 7);
  CHECK(known.ip().empty());
  CHECK(Address::local().text() == "unix");
  CHECK_FALSE(Address::local().credentials());
  CHECK_FALSE(Address::parse("1.2.3.4", 1)->credentials());
}

TEST_CASE("address: a link-local address keeps and prints its interface") {
  std::array<std::uint8_t, 16> bytes{0xfe, 0x80};
  bytes[15] = 1;

  CHECK(Address::ipv6(bytes, 80, 3).text() == "[fe80::1%3]:80");
  CHECK(Address::ipv6(bytes, 80, 3) != Address::ipv6(bytes, 80, 4));
}

TEST_CASE("address: the system's form and back gives the same address") {
  std::array<std::uint8_t, 16> bytes{0xfe, 0x80, 1, 2, 3};
  const Address address =
      GENERATE_COPY(*Address::parse("1.2.3.4", 65535), Address::ipv6(bytes, 1, 9));

  sockaddr_storage storage;
  const socklen_t length = weir::to_sockaddr(address, storage);

  REQUIRE(length > 0);
  CHECK(weir::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), length) == address);
}

TEST_CASE("address: an IPv4 peer of a dual-stack listener is an IPv4 address") {
  sockaddr_storage storage;
  const socklen_t length = weir::to_sockaddr(*Address::parse("::ffff:1.2.3.4", 5), storage);

  const Address peer = weir::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), length);

  CHECK(peer == *Address::parse("1.2.3.4", 5));
}

TEST_CASE("address: a system address that is cut short is none") {
  sockaddr_storage storage;
  const auto* raw = reinterpret_cast<sockaddr*>(&storage);
  const std::string ip = GENERATE(as<std::string>(), "1.2.3.4", "::1");
  const socklen_t whole = weir::to_sockaddr(*Address::parse(ip, 5), storage);

  for (socklen_t length = 0; length < whole; ++length) {
    CHECK(weir::from_sockaddr(raw, length) == Address());
  }
  CHECK(weir::from_sockaddr(nullptr, 0) == Address());
}

TEST_CASE("address: a Unix socket has no system form, and is recognised in one") {
  sockaddr_storage storage;
  CHECK(weir::to_sockaddr(Address::local(), storage) == 0);
  CHECK(weir::to_sockaddr(Address(), storage) == 0);

  storage.ss_family = AF_UNIX;
  CHECK(weir::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), sizeof(sa_family_t)) ==
        Address::local());
}
