#include "yousaid.hpp"

#include <weir/loop.hpp>

namespace weir::protocols {

void YouSaid::on_line(Connection& peer, std::string_view line) {
  peer.loop().log(Level::info, peer.peer().text() + " said: " + std::string(line));
  peer.write("You said: ");
  peer.write(line);
  peer.write("\r\n");
  peer.close();
}

void YouSaid::on_long_line(Connection& peer) {
  peer.loop().log(Level::info, peer.peer().text() + " said too much");
  peer.write("line too long\r\n");
  peer.close();
}

// Comes after on_line too, when the line was cut off by the peer's end.
void YouSaid::on_end(Connection& peer) {
  if (!peer.closing()) peer.loop().log(Level::info, peer.peer().text() + " said nothing");
  peer.close();
}

}  // namespace weir::protocols
