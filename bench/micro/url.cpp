// The URL parser: it runs when something is configured or dialled by name, never for each message.
//
// The parser is in the library, so the compiler has to make every call; its results, and the
// sentences of what is refused, are held with DoNotOptimize. The texts are constants.
#include <string_view>

#include <weir/url.hpp>

#include "each.hpp"

namespace weir::micro {
namespace {

void url_parse(benchmark::State& state, std::string_view text) {
  for ([[maybe_unused]] auto _ : state) {
    Url url = Url::parse(text);
    benchmark::DoNotOptimize(url);
  }
  tell_each(state, 1);
}

// With the exception, and the search for the nearest valid word.
void url_refuse(benchmark::State& state, std::string_view text) {
  for ([[maybe_unused]] auto _ : state) {
    try {
      const Url url = Url::parse(text);
      state.SkipWithError("a bad URL was taken");
      break;
    } catch (const SetupError& refusal) {
      benchmark::DoNotOptimize(refusal.what());
    }
  }
  tell_each(state, 1);
}

constexpr std::string_view kLongQuery =
    "tls://www.example.org:8443?cert=/etc/weir/www.example.org.pem&key=/etc/weir/"
    "www.example.org.key"
    "&client-ca=/etc/weir/clients.pem&client-cert=required&alpn=h2,http/1.1&tls-min=1.3"
    "&backlog=4096&nodelay=on&rcvbuf=65536&sndbuf=65536";

BENCHMARK_CAPTURE(url_parse, short, "tcp://127.0.0.1:7070");
BENCHMARK_CAPTURE(url_parse, ipv6, "tcp://[2001:db8:85a3::8a2e:370:7334]:7070");
BENCHMARK_CAPTURE(url_parse, unix, "unix:///run/weir/echo.sock?mode=0660");
BENCHMARK_CAPTURE(url_parse, long_query, kLongQuery);
BENCHMARK_CAPTURE(url_refuse, bad_scheme, "tpc://127.0.0.1:7070");
BENCHMARK_CAPTURE(url_refuse, bad_key, "tcp://127.0.0.1:7070?bcklog=10");

}  // namespace
}  // namespace weir::micro
