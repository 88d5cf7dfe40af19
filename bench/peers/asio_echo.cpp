// An echo server on Boost.Asio as its tutorial writes it: a session that keeps itself alive.
#include <utility>  // First: this version of Asio uses std::exchange without including it.

#include <array>
#include <boost/asio.hpp>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr int kBacklog = 4096;

class Session final : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(tcp::socket socket) : socket_(std::move(socket)) {}

  void read() {
    auto self = shared_from_this();
    socket_.async_read_some(asio::buffer(data_),
                            [self](const boost::system::error_code& error, std::size_t size) {
                              if (!error) self->write(size);
                            });
  }

 private:
  void write(std::size_t bytes) {
    auto self = shared_from_this();
    asio::async_write(socket_, asio::buffer(data_, bytes),
                      [self](const boost::system::error_code& error, std::size_t) {
                        if (!error) self->read();
                      });
  }

  tcp::socket socket_;
  std::array<char, std::size_t{16} * 1024>
      data_;  // As large as the largest message the suite sends.
};

void accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](const boost::system::error_code& error, tcp::socket socket) {
    if (!error) {
      socket.set_option(tcp::no_delay(true));
      std::make_shared<Session>(std::move(socket))->read();
    }
    accept(acceptor);
  });
}

void serve(unsigned short port) {
  asio::io_context context(1);
  tcp::acceptor acceptor(context);
  const tcp::endpoint at(asio::ip::address_v4::loopback(), port);
  acceptor.open(at.protocol());
  acceptor.set_option(tcp::acceptor::reuse_address(true));
  acceptor.bind(at);
  acceptor.listen(kBacklog);
  accept(acceptor);
  std::cout << "ready " << acceptor.local_endpoint().port() << std::endl;
  context.run();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: " << argv[0] << " PORT\n";
    return 64;
  }
  std::signal(SIGTERM, [](int) { std::_Exit(0); });
  try {
    serve(static_cast<unsigned short>(std::atoi(argv[1])));
  } catch (const std::exception& error) {
    std::cerr << "asio_echo: " << error.what() << '\n';
    return 71;
  }
}
