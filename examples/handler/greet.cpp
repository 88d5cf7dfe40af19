#include "greet.hpp"

namespace examples {

// The timer is the handler's own, and the handler dies before its connection: the reference is good
// whenever the task runs.
void Guest::on_open(weir::Connection& peer) {
  patience_ = peer.loop().after(greet_.options().patience, [&peer] {
    peer.write("You did not say your name.\n");
    peer.close();
  });
}

void Guest::on_line(weir::Connection& peer, std::string_view name) {
  peer.write(greet_.options().hello + ", ");
  peer.write(name);
  peer.write("! You are guest " + std::to_string(greet_.next_number()) + ".\n");
  peer.close();
}

std::unique_ptr<weir::Handler> Greet::accept(weir::Connection&) {
  return std::make_unique<Guest>(*this);
}

}  // namespace examples
