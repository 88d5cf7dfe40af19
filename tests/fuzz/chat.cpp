// A member may send what it likes: what another hears are whole lines of clean text, and none that the
// server did not say looks as if it had. The first byte is the size of the chunks.
#include <cstdlib>
#include <string>

#include <protocols/chat/chat.hpp>
#include <weir/testing.hpp>
#include <weir/text.hpp>

namespace {

// What the server itself says of guest-1, whatever that one sends.
bool is_of_server(std::string_view line) {
  return line.starts_with("* welcome") || line.starts_with("* this is ") ||
         line.ends_with(" joined") || line.ends_with(" left") ||
         line.find(" is now ") != std::string_view::npos ||
         line.starts_with("* you read too slowly");
}

void check(std::string_view line) {
  if (weir::clean(line) != line) std::abort();
  if (line.starts_with("* ")) {
    if (!is_of_server(line)) std::abort();
  } else if (!line.starts_with('<') && !line.starts_with("~ ") && !line.starts_with('[')) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  weir::testing::Net net;
  const weir::OptionValues options{{"messages-per-second", {"0"}}, {"line-max", {"64"}}};
  weir::Service& service = net.open(weir::protocols::kChat, options);
  auto& other = net.connect(service);
  auto& speaker = net.connect(service);
  speaker.send({reinterpret_cast<const char*>(data) + 1, size - 1}, data[0] + std::size_t{1});
  speaker.end();
  net.run();

  const std::string heard = other.take();
  std::string_view rest = heard;
  while (!rest.empty()) {
    const std::size_t end = rest.find("\r\n");
    if (end == std::string_view::npos) std::abort();
    check(rest.substr(0, end));
    rest.remove_prefix(end + 2);
  }
  if (net.counters().exceptions != 0) std::abort();
  return 0;
}
