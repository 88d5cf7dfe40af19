// Whether dialling a URL leads back to a listener.
#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

#include <unistd.h>

#include <weir/url.hpp>

using weir::Url;

namespace {

bool reaches(std::string_view to, std::string_view listener) {
  return weir::reaches(Url::parse(to), Url::parse(listener));
}

}  // namespace

TEST_CASE("reaches: the same address and port, however it is written") {
  CHECK(reaches("tcp://127.0.0.1:80", "tcp://127.0.0.1:80"));
  CHECK(reaches("127.0.0.1:80", "tcp://:80"));
  CHECK(reaches("tcp://:80", "tcp://127.0.0.1:80"));
  CHECK(reaches("tcp://[::1]:80", "tcp://[0:0::1]:80"));
  CHECK(reaches("tcp://[::ffff:127.0.0.1]:80", "tcp://127.0.0.1:80"));
  CHECK(reaches("tcp://127.0.0.1:80?nodelay=off", "tcp://127.0.0.1:80?backlog=5"));
  CHECK(reaches("tcp://192.0.2.1:80", "tcp://192.0.2.1:80"));
}

TEST_CASE("reaches: another port or another address is another place") {
  CHECK_FALSE(reaches("tcp://127.0.0.1:81", "tcp://127.0.0.1:80"));
  CHECK_FALSE(reaches("tcp://127.0.0.2:80", "tcp://127.0.0.1:80"));
  CHECK_FALSE(reaches("tcp://[::1]:80", "tcp://127.0.0.1:80"));
  CHECK_FALSE(reaches("tcp://192.0.2.1:80", "tcp://192.0.2.2:80"));
}

TEST_CASE("reaches: a listener on every address has this machine's, and no other's") {
  const char* const listener = GENERATE("tcp://*:80", "tcp://0.0.0.0:80");
  CHECK(reaches("tcp://127.0.0.1:80", listener));
  CHECK(reaches("tcp://127.9.9.9:80", listener));
  CHECK(reaches("tcp://0.0.0.0:80", listener));
  CHECK(reaches("tcp://localhost:80", listener));
  CHECK_FALSE(reaches("tcp://192.0.2.1:80", listener));
  CHECK_FALSE(reaches("tcp://127.0.0.1:81", listener));
}

TEST_CASE("reaches: a listener on every address of one family has none of the other's") {
  CHECK(reaches("tcp://[::1]:80", "tcp://[::]:80"));
  CHECK(reaches("tcp://[::]:80", "tcp://[::]:80"));
  CHECK_FALSE(reaches("tcp://127.0.0.1:80", "tcp://[::]:80"));
  CHECK_FALSE(reaches("tcp://[::1]:80", "tcp://0.0.0.0:80"));
}

TEST_CASE("reaches: localhost is loopback, other names are compared as they are written") {
  CHECK(reaches("tcp://localhost:80", "tcp://127.0.0.1:80"));
  CHECK(reaches("tcp://LocalHost:80", "tcp://[::1]:80"));
  CHECK(reaches("tcp://127.0.0.1:80", "tcp://localhost:80"));
  CHECK(reaches("tcp://db.test:80", "tcp://DB.test:80"));
  CHECK_FALSE(reaches("tcp://db.test:80", "tcp://*:80"));
  CHECK_FALSE(reaches("tcp://db.test:80", "tcp://127.0.0.1:80"));
}

TEST_CASE("reaches: a Unix socket is its node, whatever the path to it") {
  namespace fs = std::filesystem;
  const fs::path folder =
      fs::temp_directory_path() / ("weir-reaches-" + std::to_string(::getpid()));
  fs::create_directories(folder);
  std::ofstream(folder / "one").put('1');
  std::ofstream(folder / "other").put('2');
  fs::create_symlink(folder / "one", folder / "link");
  const std::string base = "unix://" + folder.string();

  CHECK(reaches(base + "/one", base + "/one"));
  CHECK(reaches(base + "/./one", base + "/one"));
  CHECK(reaches(base + "/link", base + "/one?mode=0600"));
  CHECK(reaches(base + "/missing", base + "/missing"));
  CHECK_FALSE(reaches(base + "/other", base + "/one"));
  CHECK_FALSE(reaches(base + "/missing", base + "/one"));
  CHECK_FALSE(reaches("tcp://127.0.0.1:80", base + "/one"));
  fs::remove_all(folder);
}
