// Lines are the same however the bytes were cut, and as a plain splitter finds them. The first byte is
// the limit, the second the size of the chunks.
#include <cstdlib>
#include <vector>

#include <weir/framing.hpp>

#include "core/fake_connection.hpp"

namespace {

using weir::Connection;

class Recorder final : public weir::LineHandler {
 public:
  using LineHandler::LineHandler;
  void on_line(Connection&, std::string_view line) override { seen.emplace_back(line); }
  void on_long_line(Connection& self) override {
    seen.emplace_back("<long>");
    self.close();
  }
  void on_end(Connection&) override { seen.emplace_back("<end>"); }

  std::vector<std::string> seen;
};

std::vector<std::string> cut(std::string_view text, std::size_t chunk, std::size_t line_max) {
  Recorder recorder(line_max);
  weir::testing::FakeConnection connection;
  weir::testing::Deliverer peer(recorder, connection);
  peer.send(text, chunk);
  peer.eof();
  return recorder.seen;
}

std::vector<std::string> split(std::string_view text, std::size_t line_max) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line.size() > line_max ? "<long>" : line);
    if (line.size() > line_max) return lines;
  }
  lines.emplace_back("<end>");
  return lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t line_max = data[0];
  const std::size_t chunk = data[1] + std::size_t{1};
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto whole = cut(text, text.size() + 1, line_max);
  if (whole != cut(text, chunk, line_max)) std::abort();
  if (whole != split(text, line_max)) std::abort();
  return 0;
}
