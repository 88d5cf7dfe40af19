// Sockets that listen and sockets that dial. accept() and connect() are called here; the reactor only
// says when.
#pragma once

#include <memory>
#include <utility>

#include "reactor.hpp"

namespace weir {

class OwnListenSocket final : public ListenSocket {
 public:
  OwnListenSocket(Reactor& reactor, int socket, ListenOwner& owner);
  ~OwnListenSocket() override;
  Accepted accept() override;
  void want(bool acceptable) override;
  void discard(int socket) override;

 private:
  std::unique_ptr<Watch> watch_;  // Goes before the socket.
  int socket_;
};

class OwnDial final : public Dial {
 public:
  static DialResult begin(Reactor& reactor, const Url& url, const Address& address,
                          DialOwner& owner);
  ~OwnDial() override;
  int take() override { return std::exchange(socket_, -1); }

 private:
  OwnDial(int socket, DialOwner& owner) : owner_(owner), socket_(socket) {}
  void on_ready();

  DialOwner& owner_;
  int socket_;
  std::unique_ptr<Watch> watch_;  // While it waits.
};

}  // namespace weir
