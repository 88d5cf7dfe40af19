// The line splitter: LineHandler over bytes in memory, with a connection that does nothing.
//
// on_data() is in the library, so the compiler has to make every call; what the lines come to is held
// with DoNotOptimize. The input is made before the loop, and offered in place: core copies an
// unfinished line in front of the next read, which is not part of this.
#include <algorithm>
#include <string>

#include <weir/framing.hpp>

#include "../../tests/core/fake_connection.hpp"
#include "each.hpp"

namespace weir::micro {
namespace {

class Lines final : public LineHandler {
 public:
  void on_line(Connection&, std::string_view line) override { seen += line.size(); }

  std::size_t seen = 0;
};

// Input of lines of so many bytes each, with their ends.
std::string lines_of(std::size_t line_size, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += std::string(line_size - 2, 'x') + "\r\n";
  return text;
}

// Offers all of it in reads of `chunk` bytes, each with what was left unused before it.
void deliver(Lines& handler, Connection& connection, Bytes input, std::size_t chunk) {
  std::size_t used = 0;
  for (std::size_t read = 0; read < input.size();) {
    read = std::min(read + chunk, input.size());
    used += handler.on_data(connection, input.subspan(used, read - used));
  }
}

// Lines of range(0) bytes, range(1) of them, in reads of range(2) bytes.
void lines_split(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(1));
  const auto chunk = static_cast<std::size_t>(state.range(2));
  const std::string text = lines_of(static_cast<std::size_t>(state.range(0)), count);
  Lines handler;
  testing::FakeConnection connection;
  for ([[maybe_unused]] auto _ : state) {
    deliver(handler, connection, as_bytes(text), chunk);
    benchmark::DoNotOptimize(handler.seen);
  }
  tell_each(state, count);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}

BENCHMARK(lines_split)
    ->ArgNames({"bytes", "lines", "read"})
    ->Args({16, 1, 16})            // A short line a read.
    ->Args({16, 4'096, 64 << 10})  // Short ones, many in a read.
    ->Args({8'000, 8, 64'000})     // Long ones.
    ->Args({1'024, 64, 64})        // Each cut in sixteen pieces.
    ->Args({8'000, 8, 1});         // Cut in bytes: looked at once all the same.

}  // namespace
}  // namespace weir::micro
