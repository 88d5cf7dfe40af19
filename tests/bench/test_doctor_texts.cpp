#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstring>

#include <bench/doctor/proc_text.hpp>

using namespace weir;
using namespace weir::load;

namespace {

// Addresses as this machine's kernel writes them: each four bytes as a number in its own order.
std::string hex(std::array<std::uint8_t, 4> bytes) {
  std::uint32_t number = 0;
  std::memcpy(&number, bytes.data(), bytes.size());
  std::array<char, 9> text{};
  std::snprintf(text.data(), text.size(), "%08X", number);
  return text.data();
}

std::string row(const std::string& local, const std::string& remote, const std::string& state) {
  return "   0: " + local + " " + remote + " " + state +
         " 00000000:00000000 00:00000000 00000000   107        0 12345 1 0000000014ce718b 100";
}

SocketRow row_of(const std::string& line) { return read_socket_row(line).value_or(SocketRow{}); }

const std::vector<std::string> kGarbage = {"",      "\n",    " ",   "max",      "-1",
                                           "x 1 2", "1e99x", ":::", "\xff\xfe", "0::"};

}  // namespace

TEST_CASE("texts of the system: numbers, and those in the middle of a line") {
  CHECK(read_number("4096\n") == 4096u);
  CHECK(number_at("287898\t383867\t575796\n", 1) == 383867u);
  CHECK_FALSE(read_number("18446744073709551616"));
  CHECK(number_at("693 0 2466170", 2) == 2466170u);
}

TEST_CASE("texts of the system: garbage is no number, no range, no row and no group") {
  for (const std::string& text : kGarbage) {
    CHECK_FALSE(read_number(text));
    CHECK_FALSE(number_at(text, 0));
    CHECK_FALSE(number_at(text, 7));
    CHECK_FALSE(read_port_range(text));
    CHECK(read_port_list(text).empty());
    CHECK_FALSE(read_load(text));
    CHECK_FALSE(read_cpu_max(text));
    CHECK_FALSE(read_kib(text, "MemAvailable:"));
    CHECK_FALSE(read_sockstat(text, "TCP:", "mem"));
    CHECK(read_group(text).empty());
    CHECK_FALSE(read_open_files(text));
    CHECK(read_parent(text) == 0);
    CHECK_FALSE(read_socket_row(text));
    CHECK_FALSE(read_unix_row(text));
  }
}

TEST_CASE("texts of the system: a row that is cut anywhere is no row, or the same") {
  const std::string whole = row(hex({127, 0, 0, 1}) + ":1F90", hex({0, 0, 0, 0}) + ":0000", "0A");
  const std::size_t inode_end = whole.find("12345") + 5;

  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto read = read_socket_row(std::string_view(whole).substr(0, size));
    if (size < inode_end - 4) CHECK_FALSE(read);
    if (size >= inode_end) CHECK(read.value_or(SocketRow{}).inode == 12345u);
  }
}

TEST_CASE("texts of the system: memory is read by its key, in bytes") {
  const std::string text = "MemTotal:       24000 kB\nMemAvailable:   12 kB\n";

  CHECK(read_kib(text, "MemAvailable:") == 12u * 1024);
  CHECK_FALSE(read_kib(text, "MemFree:"));
  CHECK_FALSE(read_kib("MemAvailable: 18446744073709551615 kB", "MemAvailable:"));
}

TEST_CASE("texts of the system: what TCP uses is one figure of its line") {
  const std::string text = "sockets: used 13\nTCP: inuse 1 orphan 0 tw 21 alloc 1 mem 294\n";

  CHECK(read_sockstat(text, "TCP:", "mem") == 294u);
  CHECK(read_sockstat(text, "TCP:", "tw") == 21u);
  CHECK_FALSE(read_sockstat(text, "UDP:", "mem"));
}

TEST_CASE("texts of the system: a range of ports has its ends in order") {
  CHECK(read_port_range("32768\t60999\n") == PortRange{32768, 60999});
  CHECK_FALSE(read_port_range("60999 32768"));
  CHECK_FALSE(read_port_range("1024 65536"));
}

TEST_CASE("texts of the system: reserved ports are single ones and ranges") {
  CHECK(read_port_list("8080,9000-9010\n") == std::vector<PortRange>{{8080, 8080}, {9000, 9010}});
  CHECK(read_port_list("8080,x,9-1,70000,9001") ==
        std::vector<PortRange>{{8080, 8080}, {9001, 9001}});
}

TEST_CASE("texts of the system: load and quota") {
  CHECK(read_load("0.05 0.16 0.26 3/96 22658\n") == 0.05);
  CHECK(read_cpu_max("150000 100000\n") == 1.5);
  CHECK_FALSE(read_cpu_max("max 100000\n"));
  CHECK_FALSE(read_cpu_max("150000 0\n"));
  CHECK_FALSE(read_load("nan 0 0"));
}

TEST_CASE("texts of the system: the control group is the one of version 2") {
  CHECK(read_group("4:memory:/old\n0::/system.slice/weir.service\n") ==
        "/system.slice/weir.service");
}

TEST_CASE("texts of the system: a process is told with its limit and its parent") {
  CHECK(read_open_files("Max processes  10 10 processes\nMax open files  1024  524288  files\n") ==
        1024u);
  CHECK(read_parent("12 (a) S (b) ) S 34 12 12 0") == 34);
}

TEST_CASE("texts of the system: a socket has its addresses, state, user and inode") {
  const SocketRow read =
      row_of(row(hex({127, 0, 0, 9}) + ":1F90", hex({10, 1, 2, 3}) + ":0050", "06"));

  CHECK(read.local.text() == "127.0.0.9:8080");
  CHECK(read.remote.text() == "10.1.2.3:80");
  CHECK(read.state == kTimeWait);
  CHECK(read.uid == 107u);
  CHECK(read.inode == 12345u);
}

TEST_CASE("texts of the system: IPv6 that stands for IPv4 is IPv4") {
  const std::string zero = hex({0, 0, 0, 0});
  const std::string loopback = zero + zero + zero + hex({0, 0, 0, 1});
  const std::string mapped = zero + zero + hex({0, 0, 255, 255}) + hex({127, 0, 0, 1});

  const SocketRow read = row_of(row(loopback + ":1F90", mapped + ":0050", "0A"));

  CHECK(read.local.text() == "[::1]:8080");
  CHECK(read.remote.text() == "127.0.0.1:80");
}

TEST_CASE("texts of the system: of Unix sockets only listeners with a path count") {
  const std::string front = "00000000907daca: 00000002 00000000 ";

  const UnixRow read =
      read_unix_row(front + "00010000 0001 01 1573 /run/a socket").value_or(UnixRow{});
  CHECK(read.path == "/run/a socket");
  CHECK(read.inode == 1573u);
  CHECK_FALSE(read_unix_row(front + "00000000 0001 03 1573 /run/connected"));
  CHECK_FALSE(read_unix_row(front + "00010000 0005 01 1573 /run/packets"));
  CHECK_FALSE(read_unix_row(front + "00010000 0001 01 1573"));
}
