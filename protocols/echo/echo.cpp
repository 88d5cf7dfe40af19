#include "echo.hpp"

namespace weir::protocols {

std::size_t Echo::on_data(Connection& peer, Bytes data) {
  peer.write(data);
  return data.size();
}

LineEcho::LineEcho(std::string_view prefix, std::size_t line_max)
    : LineHandler(line_max), prefix_(prefix) {}

// A read of nothing but line ends would be answered with many times its size. Pausing when the
// output is full leaves the other lines unread instead.
void LineEcho::on_line(Connection& peer, std::string_view line) {
  peer.write(prefix_);
  peer.write(line);
  if (peer.write("\r\n") == Flow::full) peer.pause();
}

void LineEcho::on_long_line(Connection& peer) {
  peer.write("line too long\r\n");
  peer.close();
}

void LineEcho::on_drain(Connection& peer) { peer.resume(); }

void EchoService::Options::read(OptionReader& in) {
  in.text("prefix", prefix, "answer line by line, with this text in front of each line");
  in.size("line-max", line_max, 1, 60 << 10, "longest line, in bytes, where there is a prefix");
}

std::unique_ptr<Handler> EchoService::accept(Connection&) {
  if (options_.prefix.empty()) return std::make_unique<Echo>();
  return std::make_unique<LineEcho>(options_.prefix, options_.line_max);
}

}  // namespace weir::protocols
