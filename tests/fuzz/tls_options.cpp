// URLs of TLS, names of certificates and lists of ALPN, as lines "KIND TEXT": no text crashes what
// reads it, a refusal is a printable sentence, and a name is found exactly where it is covered.
#include <cstdlib>
#include <string>
#include <vector>

#include <weir/text.hpp>
#include <weir/url.hpp>

#include "../../core/src/tls_names.hpp"
#include "../../core/src/tls_options.hpp"

namespace {

void check(bool good) {
  if (!good) std::abort();
}

bool is_sentence(std::string text) {
  std::erase(text, '"');
  std::erase(text, '\\');
  return !text.empty() && text.size() < 4000 && weir::escape(text, 8000) == text;
}

template <class Read>
void refuses_well(Read read) {
  try {
    read();
  } catch (const weir::SetupError& refused) {
    check(is_sentence(refused.what()));
  }
}

// What was read is what a context can be made of, and a name is never taken from a key's value.
void read_url(const std::string& text) {
  const weir::Url url = weir::Url::parse(text);
  if (!url.is_tls()) return;
  refuses_well([&] {
    const auto listen = weir::tls_listen_options(url);
    check(!listen.pairs.empty());
    for (const weir::TlsPair& pair : listen.pairs) {
      check(!pair.certificate.empty() && !pair.key.empty());
    }
    check(listen.crl.empty() || !listen.client_ca.empty());
  });
  refuses_well([&] {
    const auto dial = weir::tls_dial_options(url);
    check(!dial.verify || !dial.name.empty());
    check(dial.target.find('?') == std::string::npos);
    for (const std::string& name : dial.rules.alpn) check(!name.empty() && name.size() <= 255);
  });
}

// The patterns so far against a host: the table finds one exactly if one of them covers it.
void find_host(const std::vector<std::string>& patterns, const std::string& host) {
  weir::NameTable table;
  bool covered = false;
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    table.add(patterns[i], i);
    covered = covered || weir::covers_name(patterns[i], host);
  }
  const weir::NameTable::Numbers* const found = table.find(host);
  check((found != nullptr) == covered);
  if (found == nullptr) return;
  for (const std::size_t number : *found) check(weir::covers_name(patterns[number], host));
}

void read_handler_options(const std::string& text) {
  weir::TlsOptions options;
  options.certificate = "c";
  options.server_name = text.substr(0, text.find(','));
  options.alpn = {text};
  refuses_well([&] { weir::tls_listen_options(options); });
  refuses_well([&] { weir::tls_dial_options(options); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kPatternsMost = 16;
  std::string_view rest{reinterpret_cast<const char*>(data), size};
  std::vector<std::string> patterns;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string line(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    const std::string text = line.substr(line.empty() ? 0 : 1);
    if (line.starts_with('u')) refuses_well([&] { read_url(text); });
    if (line.starts_with('p') && patterns.size() < kPatternsMost) patterns.push_back(text);
    if (line.starts_with('h')) find_host(patterns, text);
    if (line.starts_with('o')) read_handler_options(text);
  }
  return 0;
}
