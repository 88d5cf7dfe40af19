// Datagrams: UDP and Unix datagram sockets.
#pragma once

#include <weir/address.hpp>
#include <weir/base.hpp>

namespace weir {

class DatagramSocket;
class Loop;

// Owned by its socket, destroyed after on_close. One datagram is one callback, whole.
class DatagramHandler {
 public:
  virtual ~DatagramHandler() = default;
  virtual void on_datagram(DatagramSocket&, Bytes data, const Address& from) = 0;
  virtual void on_stop(DatagramSocket&) {}
  virtual void on_close(DatagramSocket&) {}
};

// Belongs to one loop and is used only on its thread. Valid until on_close.
class DatagramSocket {
 public:
  // Whole or not at all: false if the kernel did not take it. Nothing is queued.
  virtual bool send(Bytes data, const Address& to) = 0;
  virtual void close() = 0;
  virtual Address local() const = 0;
  virtual Loop& loop() = 0;

 protected:
  ~DatagramSocket() = default;
};

}  // namespace weir
