// What can be done with a connected socket, whoever waits for it.
#pragma once

#include "driver.hpp"

namespace weir {

// Never blocks. Does not close itself.
class OwnSocket : public SocketStream {
 public:
  IoResult receive(std::span<std::byte> into) final;
  IoResult send(const iovec* pieces, int count) final;
  IoResult splice_in(Pipe& pipe) final;
  IoResult splice_out(Pipe& pipe) final;
  int shut_down() final;
  int error() final;
  std::optional<std::uint32_t> unacknowledged() final;
  Address local() const final;
  std::string local_path() const final;

 protected:
  explicit OwnSocket(int socket) : socket_(socket) {}
  int socket() const { return socket_; }
  bool is_open() const { return socket_ >= 0; }
  int take();  // Once.
  void close_socket(bool reset);

 private:
  int socket_;
};

// The pending error, positive, taken off; 0 if none.
int socket_error(int socket);

}  // namespace weir
