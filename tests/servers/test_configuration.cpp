// Configuration files: what they mean, and what is said of a wrong one.
#include <catch2/catch.hpp>
#include <protocols/bundled.hpp>
#include <servers/configuration.hpp>
#include <weir/testing_tls.hpp>

using namespace weir;
using namespace weir::program;

namespace {

Configuration parse(std::string_view text) {
  return parse_configuration(text, "weir.toml", protocols::bundled());
}

std::string all(const Configuration& found) {
  std::string text;
  for (const std::string& sentence : found.sentences()) text += sentence + "\n";
  return text;
}

constexpr std::string_view kEcho = "[[service]]\nprotocol = \"echo\"\nlisten = [\"tcp://:7007\"]\n";

std::string echo_with(std::string_view more) { return std::string(kEcho) + std::string(more); }

}  // namespace

TEST_CASE("configuration: a service has its protocol, places, options, limits and timeouts") {
  const Configuration found = parse(R"([server]
loops = 3
drain = "5s"
log-level = "debug"

[[service]]
name = "lines"
protocol = "echo"
listen = ["tcp://127.0.0.1:7007", "unix:///tmp/x.sock?mode=0660"]
prefix = "Echo: "
line-max = "2KiB"
write-high = 4096
write-low = 0
idle = 90
)");

  REQUIRE(all(found).empty());
  CHECK(found.process.loops == 3);
  CHECK(found.process.drain == Millis{5'000});
  CHECK(found.process.level == "debug");
  REQUIRE(found.services.size() == 1);
  const Listen& listen = found.services[0].listen;
  CHECK(listen.name == "lines");
  CHECK(listen.speak == "echo");
  REQUIRE(listen.at.size() == 2);
  CHECK(listen.at[1].value("mode") == "0660");
  CHECK(listen.options == OptionValues{{"line-max", {"2KiB"}}, {"prefix", {"Echo: "}}});
  CHECK(listen.limits.write_high == 4'096);
  CHECK(listen.timeouts.idle == Millis{90'000});
  CHECK(listen.timeouts.linger == Timeouts{}.linger);
}

TEST_CASE("configuration: one place may stand without brackets, and a name is the protocol's") {
  const Configuration found = parse("[[service]]\nprotocol = \"time\"\nlisten = \"tcp://:7037\"\n");

  REQUIRE(all(found).empty());
  CHECK(found.services[0].listen.at[0].port() == 7'037);
  CHECK(found.services[0].listen.name == "time");
}

TEST_CASE("configuration: a chat waits, and an echo does not") {
  const Configuration found =
      parse(echo_with("[[service]]\nprotocol = \"chat\"\nlisten = \"tcp://:7070\"\n"));

  REQUIRE(all(found).empty());
  CHECK(found.services[0].listen.timeouts.idle == Timeouts{}.idle);
  CHECK(found.services[1].listen.timeouts.idle == Millis{0});
}

TEST_CASE("configuration: every fault is told at once, in the order of the file") {
  const Configuration found = parse(R"([server]
lopps = 2
drain = "soon"

[[service]]
protocol = "ehco"

[[service]]
protocol = "echo"
listen = ["tcp://127.0.0.1:99999"]
line-max = "1GiB"
)");

  REQUIRE(found.faults.size() == 5);
  CHECK(found.faults[0].at == Place{2, 1});
  CHECK(found.faults[1].at == Place{3, 9});
  CHECK(found.faults[2].at == Place{6, 12});
  CHECK(found.faults[3].at == Place{10, 11});
  CHECK(found.faults[4].at == Place{11, 12});
}

TEST_CASE("configuration: an unknown key and a wrong type hide no other fault of the service") {
  const Configuration found = parse(R"([[service]]
protocol = "forward"
listen = "tcp://127.0.0.1:7008"
to = 7
tto = 1
connect-timeout = "0s"
write-low = 20000
idle = "never"
)");

  REQUIRE(found.faults.size() == 5);
  for (std::size_t i = 0; i < 5; ++i) CHECK(found.faults[i].at.line == i + 4);
}

TEST_CASE("configuration: a fault says what is wrong, what was expected, and what may be meant") {
  struct Row {
    std::string text;
    std::string said;
  };
  const auto row = GENERATE_COPY(
      Row{"", "weir.toml:1:1: there is no [[service]], so nothing to serve"},
      Row{"[sevrer]\n", "1:2: there is no table or key \"sevrer\" here, expected [server]"},
      Row{"x = 1\n", "1:1: there is no table or key \"x\" here, expected [server] or [[service]]"},
      Row{"server = 1\n", "1:10: server is no table, expected [server]"},
      Row{"[service]\nprotocol = \"echo\"\n", "write [[service]], not [service]"},
      Row{"service = [1]\n", "a service is no table, expected [[service]]"},
      Row{"[[service]]\n", "1:1: this service lacks its protocol, as in protocol = \"echo\""},
      Row{"[[service]]\nprotocol = 7\n", "2:12: a protocol is a name in quotes"},
      Row{"[[service]]\nprotocol = \"ehco\"\n",
          "2:12: there is no protocol \"ehco\"; did you mean \"echo\"?"},
      Row{"[[service]]\nprotocol = \"echo\"\n", "echo: nowhere to listen, expected listen = ["},
      Row{"[[service]]\nprotocol = \"echo\"\nlisten = []\n", "3:10: echo: nowhere to listen"},
      Row{echo_with("idel = 5\n"), "4:1: echo: there is no key \"idel\", did you mean \"idle\"?"},
      Row{echo_with("line-max = true\n"),
          "4:12: echo: option \"line-max\" is true or false, expected bytes, as in 4096"},
      Row{echo_with("line-max = 0\n"),
          "4:12: echo: option \"line-max\" is \"0\", expected 1 to 61440 bytes"},
      Row{echo_with("prefix = 3\n"), "option \"prefix\" is a whole number, expected a text"},
      Row{echo_with("idle = 1.5\n"), "option \"idle\" is a fraction, expected a duration"},
      Row{echo_with("idle = \"1 day\"\n"), "4:8: echo: option \"idle\" is \"1 day\", expected"},
      Row{echo_with("name = \"a b\"\n"), "4:8: the name \"a b\" is not 1 to 64 letters"},
      Row{echo_with(kEcho), "two services are called \"echo\", the first one at 1:1"},
      Row{echo_with("[[service]]\nname = \"b\"\nprotocol = \"echo\"\nlisten = \"tcp://:7007\"\n"),
          "7:10: tcp://:7007 is listened on twice, first at 3:11"},
      Row{"[[service]]\nprotocol = \"echo\"\nlisten = [\"tcp://:7\", \"tcp://127.0.0.1:7\"]\n",
          "3:23: tcp://127.0.0.1:7 means an address that tcp://:7 listens on, at 3:11"},
      Row{"[[service]]\nprotocol = \"echo\"\nlisten = [\"tcp://:7\", \"tcp://*:7\"]\n",
          "3:23: tcp://*:7 means an address that tcp://:7 listens on"},
      Row{"[[service]]\nprotocol = \"forward\"\nlisten = \"tcp://:7008\"\n",
          "1:1: forward: option \"to\" is required"},
      Row{"[[service]]\nprotocol = \"forward\"\nlisten = \"tcp://:7008\"\nto = [1]\n",
          "4:7: forward: option \"to\" is a whole number, expected URLs"},
      Row{"service = []\n", "1:11: there is no [[service]]"},
      Row{"[[service]]\nprotocol = \"echo\"\nlisten = \"udp://:7\"\n",
          "cannot listen on udp://:7: this build listens on"},
      Row{"[[service]]\nprotocol = \"forward\"\nlisten = \"tcp://:7008\"\nto = \"tcp://:7008\"\n",
          "4:6: forward: the target tcp://:7008 is this very service"},
      Row{echo_with("write-low = 9000\nwrite-high = 8000\n"),
          "4:13: echo: write-low is 9000, expected at most write-high, which is 8000"},
      Row{echo_with("write-high = 4000\n"),
          "4:14: echo: write-high is 4000, expected at least write-low, which is 4096"},
      Row{echo_with("write-max = 9000\n"),
          "4:13: echo: write-max is 9000, expected at least write-high, which is 16384"},
      Row{"[server]\nlog-file = \"/no/such/log\"\n",
          "2:12: server: there is no folder /no/such for the log"},
      Row{"[[service]\n", "this is not TOML: "}, Row{"a = 1\na = 2\n", "2:5: this is not TOML: "});

  const Configuration found = parse(row.text);

  INFO(row.text);
  REQUIRE_FALSE(found.faults.empty());
  CHECK_THAT(all(found), Catch::Contains(row.said));
}

TEST_CASE("configuration: [service.tls] holds for every TLS address that does not say it itself") {
  const testing::TlsFiles& files = testing::tls_files();
  std::string text = "[[service]]\nprotocol = \"echo\"\n";
  text += "listen = [\"tcp://:7007\", \"tls://:7443\", \"tls://:7444?alpn=own\"]\n[service.tls]\n";
  text += "cert = [\"" + files.certificate + "\"]\nkey = [\"" + files.key + "\"]\n";
  text += "alpn = [\"x\", \"y\"]\ntls-min = \"1.3\"\n";
  const Configuration found = parse(text);

  REQUIRE(all(found).empty());
  const auto& at = found.services.at(0).listen.at;
  REQUIRE(at.size() == 3);
  CHECK_FALSE(at[0].value("cert"));
  CHECK(at[1].value("cert") == files.certificate);
  CHECK(at[1].value("tls-min") == "1.3");
  CHECK(at[1].value("alpn") == "x,y");
  CHECK(at[2].value("alpn") == "own");
}

TEST_CASE("configuration: a wrong key or value of [service.tls] is told with its place") {
  const auto said = [](const std::string& line) {
    return all(
        parse("[[service]]\nprotocol = \"echo\"\nlisten = [\"tls://:7443\"]\n"
              "[service.tls]\ncert = \"/none.pem\"\n" +
              line));
  };

  CHECK_THAT(said("certt = \"x\"\n"),
             Catch::Contains("weir.toml:6") && Catch::Contains("\"cert\""));
  CHECK_THAT(said("tickets = 5\n"), Catch::Contains("weir.toml:6") && Catch::Contains("tickets"));
  CHECK_THAT(said("ca = \"x\"\n"), Catch::Contains("weir.toml:6") && Catch::Contains("ca"));
  CHECK_THAT(said(""), Catch::Contains("/none.pem"));
}

TEST_CASE(
    "configuration: [service.tls] without a TLS address is a fault, for it would protect nothing") {
  const std::string said =
      all(parse("[[service]]\nprotocol = \"echo\"\nlisten = [\"tcp://:7007\"]\n"
                "[service.tls]\ncert = \"x.pem\"\n"));

  CHECK_THAT(said, Catch::Contains("weir.toml:4") && Catch::Contains("expected a tls://"));
}

TEST_CASE("configuration: [service.tls] is for a TLS address that cannot be used, too") {
  const std::string said =
      all(parse("[[service]]\nprotocol = \"echo\"\nlisten = [\"tcp://:7007\", \"tls://:7443\"]\n"
                "[service.tls]\ncert = \"/none.pem\"\n"));

  CHECK_THAT(said, Catch::Contains("/none.pem") && !Catch::Contains("is for nobody"));
}

TEST_CASE("configuration: a flag of [service.tls] may be written as it is in a URL") {
  const testing::TlsFiles& files = testing::tls_files();
  const std::string value = GENERATE("false", "\"off\"");
  const Configuration found = parse(
      "[[service]]\nprotocol = \"echo\"\nlisten = [\"tls://:7443\"]\n[service.tls]\ncert = \"" +
      files.certificate + "\"\nkey = \"" + files.key + "\"\ntickets = " + value + "\n");

  REQUIRE(found.faults.empty());
  CHECK(found.services.at(0).listen.at.at(0).value("tickets") == "off");
}

TEST_CASE("configuration: outside text in a fault is escaped") {
  const Configuration found = parse(echo_with("prefix = \"\\u001b[2J\"\n\"a\\nb\" = 1\n"));

  REQUIRE(found.faults.size() == 1);
  CHECK_THAT(found.faults[0].sentence, Catch::Contains("\"a\\nb\""));
}
