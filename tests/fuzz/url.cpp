// A URL either is refused with a printable sentence or prints as one that parses to the same.
#include <cstdlib>

#include <weir/text.hpp>
#include <weir/url.hpp>

namespace {

void check(bool good) {
  if (!good) std::abort();
}

// Quotes stand around what was given; all else in a sentence needs no escaping.
bool is_sentence(std::string text) {
  std::erase(text, '"');
  std::erase(text, '\\');
  return !text.empty() && text.size() < 2000 && weir::escape(text, 4000) == text;
}

void check_round_trip(const weir::Url& url) {
  const weir::Url again = weir::Url::parse(url.text());
  check(again.text() == url.text());
  check(again.scheme() == url.scheme());
  check(again.host() == url.host());
  check(again.port() == url.port());
  check(again.path() == url.path());
  check(again.descriptor() == url.descriptor());
  check(again.query().empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    check_round_trip(weir::Url::parse({reinterpret_cast<const char*>(data), size}));
  } catch (const weir::SetupError& refused) {
    check(is_sentence(refused.what()));
  }
  return 0;
}
