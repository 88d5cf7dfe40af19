#include <catch2/catch.hpp>

#include <weir/address.hpp>
#include <weir/url.hpp>

#include "../../core/src/url_query.hpp"

using weir::SetupError;
using weir::Url;
using Scheme = Url::Scheme;

namespace {

// What the refusal of a URL says.
std::string refusal(const std::string& text) {
  try {
    Url::parse(text);
  } catch (const SetupError& wrong) {
    CHECK(wrong.kind() == SetupError::Kind::usage);
    return wrong.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("url: scheme, host and port are read") {
  struct Row {
    const char* text;
    Scheme scheme;
    const char* host;
    int port;
  };
  const Row row = GENERATE(
      Row{"tcp://127.0.0.1:7070", Scheme::tcp, "127.0.0.1", 7070},
      Row{"127.0.0.1:7070", Scheme::tcp, "127.0.0.1", 7070},
      Row{"localhost:0", Scheme::tcp, "localhost", 0}, Row{":80", Scheme::tcp, "", 80},
      Row{"tcp://:80", Scheme::tcp, "", 80}, Row{"tls://*:443", Scheme::tls, "*", 443},
      Row{"*:65535", Scheme::tcp, "*", 65535}, Row{"udp://[::1]:53", Scheme::udp, "::1", 53},
      Row{"[2001:db8::1]:1", Scheme::tcp, "2001:db8::1", 1},
      Row{"tcp://[fe80::1%eth0]:1", Scheme::tcp, "fe80::1%eth0", 1},
      Row{"tcp://a-b.example.:80", Scheme::tcp, "a-b.example.", 80},
      Row{"tcp://x:00080", Scheme::tcp, "x", 80});

  const Url url = Url::parse(row.text);

  CHECK(url.scheme() == row.scheme);
  CHECK(url.host() == row.host);
  CHECK(url.port() == row.port);
}

TEST_CASE("url: services are found by name, for the protocol of the scheme") {
  CHECK(Url::parse("tcp://localhost:time").port() == 37);
  CHECK(Url::parse("udp://localhost:time").port() == 37);
  CHECK(Url::parse("localhost:echo").port() == 7);
  CHECK(Url::parse("tls://localhost:https").port() == 443);
}

TEST_CASE("url: Unix paths, descriptors and systemd names are read") {
  const Url stream = Url::parse("unix:///run/x.sock?mode=0660&group=www-data");
  CHECK(stream.scheme() == Scheme::unix_stream);
  CHECK(stream.is_unix());
  CHECK(stream.path() == "/run/x.sock");
  CHECK(stream.value("mode") == "0660");
  CHECK(stream.value("group") == "www-data");
  CHECK_FALSE(stream.value("backlog"));

  CHECK(Url::parse("tls+unix:///x").scheme() == Scheme::tls_unix);
  CHECK(Url::parse("tls+unix:///x").is_unix());
  CHECK(Url::parse("tls+unix:///x").is_tls());
  CHECK(Url::parse("tls://x:1").is_tls());
  CHECK_FALSE(Url::parse("unix:///x").is_tls());
  CHECK(Url::parse("unixgram:///x").scheme() == Scheme::unix_datagram);
  CHECK(Url::parse("unixgram:///x").is_unix());
  CHECK(Url::parse("unix:///tmp/a%20b%25%3f").path() == "/tmp/a b%?");
  CHECK(Url::parse("fd://3").descriptor() == 3);
  CHECK(Url::parse("fd://3").scheme() == Scheme::fd);
  CHECK(Url::parse("systemd:echo.socket").path() == "echo.socket");
  CHECK(Url::parse("tcp://x:1").descriptor() == -1);
}

TEST_CASE("url: a path may be as long as the system's limit and no longer") {
  const std::string longest = '/' + std::string(106, 'x');

  CHECK(Url::parse("unix://" + longest).path() == longest);
  const std::string said = refusal("unix://" + longest + 'x');
  CHECK_THAT(said, Catch::Contains("has a path of 108 bytes, expected at most 107"));
  CHECK_THAT(said, Catch::Contains(longest));
}

TEST_CASE("url: a host may be as long as DNS allows and no longer") {
  const std::string label(63, 'a');
  const std::string host = label + '.' + label + '.' + label + '.' + std::string(61, 'a');
  REQUIRE(host.size() == 253);

  CHECK(Url::parse(host + ":1").host() == host);
  CHECK_THAT(refusal(host + "a:1"), Catch::Contains("host of 254 bytes, expected at most 253"));
  CHECK_THAT(refusal(label + "a:1"), Catch::Contains("part of 64 bytes"));
}

TEST_CASE("url: a refusal says what is wrong and what was expected") {
  struct Row {
    const char* text;
    const char* said;
  };
  const Row row = GENERATE(
      Row{"", "is empty"}, Row{"tpc://x:1", "unknown scheme \"tpc\""},
      Row{"tpc://x:1", "did you mean \"tcp\"?"}, Row{"://x:1", "unknown scheme \"\""},
      Row{"tls+unx:///x", "did you mean \"tls+unix\"?"}, Row{"TCP://x:1", "did you mean \"tcp\"?"},
      Row{"localhost", "lacks a port"}, Row{"tcp://localhost", "expected tcp://HOST:PORT"},
      Row{"tcp://", "lacks a port"}, Row{"x:", "lacks a port after its colon"},
      Row{"x:65536", "expected 0 to 65535"},
      Row{"x:99999999999999999999999", "expected 0 to 65535"}, Row{"x:-1", "expected 0 to 65535"},
      Row{"x:+1", "expected 0 to 65535"}, Row{"x:1x", "expected 0 to 65535"},
      Row{"x:tiem", "did you mean \"time\"?"}, Row{"x:80/", "path after its port"},
      Row{"::1:80", "stand in brackets"}, Row{"tcp://::1", "stand in brackets"},
      Row{"[::1]", "lacks a port"}, Row{"[::1]80", "after the ]"}, Row{"[::1:80", "without a ]"},
      Row{"[127.0.0.1]:80", "expected an IPv6 address"}, Row{"[]:80", "expected an IPv6 address"},
      Row{"[fe80::1%]:80", "has the zone"}, Row{"[fe80::1%a b]:80", "has the zone"},
      Row{"17301", "is a number and no more, expected HOST:PORT"},
      Row{"256.0.0.1:80", "four numbers"}, Row{"127.1:80", "four numbers"},
      Row{"010.0.0.1:80", "four numbers"}, Row{"a..b:80", "empty part"}, Row{".:80", "expected"},
      Row{"a b:80", "expected letters"}, Row{"u@h:80", "expected letters"},
      Row{"h\xc3\xbc:80", "expected letters"}, Row{"**:80", "expected letters"},
      Row{"a\nb:80", "control character"}, Row{"unix:///a\x7f", "control character"},
      Row{"/run/x.sock", "expected unix:///run/x.sock"}, Row{"unix:/x", "lacks the //"},
      Row{"unix://run/x", "three slashes"}, Row{"unix://", "three slashes"},
      Row{"unix:///", "names a directory"}, Row{"unix:///x%0a", "control character"},
      Row{"unix:///x%00", "control character"}, Row{"unix:///x%2", "hexadecimal"},
      Row{"unix:///x%zz", "hexadecimal"}, Row{"fd://", "as in fd://3"},
      Row{"fd://-1", "as in fd://3"}, Row{"fd://2147483648", "as in fd://3"},
      Row{"systemd:", "has the name"}, Row{"systemd://x", "expected systemd:NAME"},
      Row{"systemd:a:b", "has the name"});

  const std::string said = refusal(row.text);

  CHECK_THAT(said, Catch::StartsWith("URL \"") && Catch::Contains(row.said));
}

TEST_CASE(
    "url: a query key that is unknown, repeated or ill-valued is refused with what is known") {
  struct Row {
    const char* text;
    const char* said;
  };
  const Row row = GENERATE(
      Row{"tcp://x:1?nodeley=1", "did you mean \"nodelay\"?"},
      Row{"tcp://x:1?mode=0600", "unknown query key \"mode\", tcp takes backlog"},
      Row{"fd://3?mode=0600", "fd takes none"}, Row{"tcp://x:1?cert=a", "tcp takes"},
      Row{"unixgram:///x?backlog=1", "unixgram takes"}, Row{"tcp://x:1?", "expected KEY=VALUE"},
      Row{"tcp://x:1?nodelay", "expected KEY=VALUE"}, Row{"tcp://x:1?=1", "expected KEY=VALUE"},
      Row{"tcp://x:1?nodelay=1&", "expected KEY=VALUE"},
      Row{"tcp://x:1?nodelay=1&nodelay=0", "twice"}, Row{"tcp://x:1?nodelay=yes", "on or off"},
      Row{"tcp://x:1?backlog=0", "from 1 to 65535"}, Row{"tcp://x:1?backlog=65536", "1 to 65535"},
      Row{"unix:///x?mode=0800", "octal"}, Row{"unix:///x?mode=1777", "octal"},
      Row{"unix:///x?mode=", "octal"}, Row{"unix:///x?group=", "group's name"},
      Row{"tcp://x:1?keepalive=on", "IDLE"}, Row{"tcp://x:1?keepalive=60,10", "IDLE"},
      Row{"tcp://x:1?keepalive=60,10,3,1", "IDLE"}, Row{"tcp://x:1?keepalive=0", "IDLE"},
      Row{"tcp://x:1?keepalive=60,10,128", "IDLE"}, Row{"tcp://x:1?rcvbuf=1023", "1KiB to 64MiB"},
      Row{"tcp://x:1?source=localhost", "an IPv4 or IPv6 address"},
      Row{"tcp://x:1?sndbuf=65MiB", "1KiB to 64MiB"}, Row{"udp://x:1?ttl=256", "0 to 255"},
      Row{"udp://x:1?iface=abcdefghijklmnop", "at most 15"}, Row{"tls://x:1?key=", "a file"},
      Row{"tls://x:1?key=%0a", "control character"}, Row{"tls://x:1?ca=a&ca=b", "twice"},
      Row{"unix:///x?cert=a", "unix takes"}, Row{"tls://x:1?mode=0600", "tls takes"},
      Row{"tls+unix:///x?nodelay=on", "tls+unix takes"}, Row{"tls://x:1?alpn=a,,b", "commas"},
      Row{"tls://x:1?alpn=", "commas"}, Row{"tls://x:1?tls-min=1.1", "1.2 or 1.3"},
      Row{"tls://x:1?client-cert=on", "required or optional"},
      Row{"tls://x:1?ciphers=a::b", "colons"}, Row{"tls://x:1?expired=no", "warn or refuse"},
      Row{"tls://x:1?tickets=", "on or off"}, Row{"tls://x:1?verify=maybe", "on or off"});

  CHECK_THAT(refusal(row.text), Catch::StartsWith("URL \"") && Catch::Contains(row.said));
}

TEST_CASE("url: query keys become the settings of a socket") {
  const auto tcp = weir::socket_settings(
      Url::parse("tcp://x:1?backlog=7&nodelay=off&keepalive=60,10,3&rcvbuf=64KiB&sndbuf=1MB"));
  CHECK(tcp.backlog == 7);
  CHECK(tcp.nodelay == false);
  CHECK(tcp.keepalive->on);
  CHECK(tcp.keepalive->idle == 60);
  CHECK(tcp.keepalive->interval == 10);
  CHECK(tcp.keepalive->count == 3);
  CHECK(tcp.rcvbuf == 65'536);
  CHECK(tcp.sndbuf == 1'000'000);
  CHECK_FALSE(tcp.mode);

  const auto from = weir::socket_settings(Url::parse("tcp://x:1?source=127.0.0.2"));
  CHECK(from.source == weir::Address::parse("127.0.0.2", 0));
  const auto off = weir::socket_settings(Url::parse("tcp://x:1?keepalive=off"));
  CHECK_FALSE(off.keepalive->on);
  CHECK(weir::socket_settings(Url::parse("unix:///x?mode=0660")).mode == 0660u);
  CHECK(weir::socket_settings(Url::parse("tls+unix:///x?mode=0660&backlog=9")).backlog == 9);
  const auto udp = weir::socket_settings(Url::parse("udp://x:1?broadcast=true&iface=lo&ttl=0"));
  CHECK(udp.broadcast == true);
  CHECK(udp.iface == "lo");
  CHECK(udp.ttl == 0);
}

TEST_CASE("url: the keys of TLS are read, certificates and keys in the order of writing") {
  const auto tls =
      weir::socket_settings(
          Url::parse("tls://x:1?cert=%2Fa%20b&key=k&cert=c&alpn=h2,http/1.1&tls-min=1.3"
                     "&ciphers=A,B&groups=X25519:P-256&tickets=off&verify=off"
                     "&client-cert=optional&name=n"))
          .tls;

  CHECK(tls.cert == std::vector<std::string>{"/a b", "c"});
  CHECK(tls.key == std::vector<std::string>{"k"});
  CHECK(tls.alpn == std::vector<std::string>{"h2", "http/1.1"});
  CHECK(tls.tls_min == "1.3");
  CHECK(tls.ciphers == "A:B");
  CHECK(tls.groups == "X25519:P-256");
  CHECK(tls.tickets == false);
  CHECK(tls.verify == false);
  CHECK(tls.client_cert == "optional");
  CHECK(tls.name == "n");
  CHECK_FALSE(tls.ca);
  CHECK(Url::parse("tls+unix:///x?ca=/ca.pem").value("ca") == "/ca.pem");
}

TEST_CASE("url: what is printed parses to the same and holds no query") {
  const std::string text =
      GENERATE(as<std::string>(), "tcp://127.0.0.1:7070", "x:time", ":0", "*:1",
               "tls://[::1]:443?key=secret", "udp://[fe80::1%eth0]:5", "unix:///tmp/a%20b%25%3F%23",
               "tls+unix:///run/x?key=secret", "unix:///tmp/\xff\xc3\xa4 \"x\"",
               "unixgram:///x?mode=0600", "fd://0", "systemd:echo\\x2d1.socket");

  const Url url = Url::parse(text);
  const Url again = Url::parse(url.text());

  CHECK(again.text() == url.text());
  CHECK(again.scheme() == url.scheme());
  CHECK(again.host() == url.host());
  CHECK(again.port() == url.port());
  CHECK(again.path() == url.path());
  CHECK(again.descriptor() == url.descriptor());
  CHECK_THAT(url.text(), !Catch::Contains("?") && !Catch::Contains(" "));
}

TEST_CASE("url: a refusal does not repeat the secrets of the query") {
  CHECK_THAT(refusal("tls://x:1?key=/etc/secret&nodelay=maybe"), !Catch::Contains("secret"));
}

TEST_CASE("url: a refusal is printable whatever was given") {
  CHECK_THAT(refusal("\x1b[2J\xff://x:1"), Catch::Contains("\\x1b[2J\\xff"));
  CHECK(refusal(std::string(1 << 20, 'x')).size() < 500);
}

TEST_CASE("url: another port or host changes nothing else") {
  const Url url = Url::parse("tcp://localhost:0?backlog=5");

  CHECK(url.with_port(80).text() == "tcp://localhost:80");
  CHECK(url.with_host("::1").with_port(80).text() == "tcp://[::1]:80");
  CHECK(url.with_port(80).value("backlog") == "5");
  CHECK(url.text() == "tcp://localhost:0");
}
