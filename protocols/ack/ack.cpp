#include "ack.hpp"

#include <weir/loop.hpp>
#include <weir/text.hpp>

namespace weir::protocols {

std::size_t Ack::on_data(Connection& peer, Bytes data) {
  std::string_view message = as_text(data);
  while (message.ends_with('\n') || message.ends_with('\r')) message.remove_suffix(1);
  peer.loop().print(escape(message, 8 << 10));
  peer.write(options_.reply + "\r\n");
  peer.close();
  return data.size();
}

}  // namespace weir::protocols
