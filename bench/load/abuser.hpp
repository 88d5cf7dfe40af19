// What a server has to be safe from, one connection of it.
#pragma once

#include "run.hpp"
#include "talk.hpp"

namespace weir::load {

class AbuseRun;

class Abuser final : public Session {
 public:
  Abuser(AbuseRun& run, std::size_t index);

  void misbehave(Connection& self);  // Once, when it is open.

  std::size_t on_data(Connection& self, Bytes data) override;
  void on_drain(Connection& self) override;
  void on_eof(Connection& self, Bytes unused) override;

 private:
  void flood(Connection& self);
  void drip(Connection& self);
  void read_a_little(Connection& self);

  std::unique_ptr<Talk> talk_;
  Timer next_;
  std::size_t dripped_ = 0;
};

// The beginning of a ClientHello (RFC 8446, 4.1.2) that promises more than it holds.
Bytes half_client_hello();

}  // namespace weir::load
