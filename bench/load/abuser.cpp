#include "abuser.hpp"

#include <array>

#include "abuse.hpp"

namespace weir::load {

namespace {

constexpr Millis kDrip{1'000};
constexpr std::size_t kPiece = 16 << 10;  // Of a line without an end.

const Payload& endless() {
  static const Payload piece(std::string(kPiece, 'x'));
  return piece;
}

}  // namespace

Bytes half_client_hello() {
  static const std::array<std::byte, 48> hello = [] {
    // A record of 512 bytes with a handshake message of 508: version, and the first of 32 random bytes.
    constexpr std::array<unsigned char, 11> head = {0x16, 0x03, 0x01, 0x02, 0x00, 0x01,
                                                    0x00, 0x01, 0xfc, 0x03, 0x03};
    std::array<std::byte, 48> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<std::byte>(i < head.size() ? head[i] : i * 37);
    }
    return bytes;
  }();
  return hello;
}

Abuser::Abuser(AbuseRun& run, std::size_t index)
    : Session(run, index), talk_(make_talk(run.plan(), run.pattern(), index)) {}

void Abuser::misbehave(Connection& self) {
  switch (run().plan().scenario) {
    case Scenario::slow_reader:
      self.pause();
      read_a_little(self);
      return flood(self);
    case Scenario::drip:
      return drip(self);
    case Scenario::reset_storm:
      talk_->ask(self, 1);
      return self.abort();
    case Scenario::long_line:
      return flood(self);
    case Scenario::unfinished_handshake:
      self.write(half_client_hello());
      return;
    default:
      return;  // Silent.
  }
}

void Abuser::flood(Connection& self) {
  const bool asks = run().plan().scenario == Scenario::slow_reader;
  Flow flow = Flow::open;
  while (flow == Flow::open && !self.closing()) {
    flow = asks ? talk_->ask(self, 16) : self.write(endless());
  }
}

// A request that is never whole.
void Abuser::drip(Connection& self) {
  const std::string& request = run().plan().send;
  const char letter = dripped_ + 1 < request.size() ? request[dripped_++] : 'x';
  self.write(std::string_view(&letter, 1));
  next_ = run().loop().after(kDrip, [this, &self] { drip(self); });
}

// For a moment each second: one reading, after which on_data pauses again.
void Abuser::read_a_little(Connection& self) {
  next_ = run().loop().after(kDrip, [this, &self] {
    self.resume();
    read_a_little(self);
  });
}

std::size_t Abuser::on_data(Connection& self, Bytes data) {
  if (run().plan().scenario == Scenario::slow_reader) self.pause();
  return data.size();
}

void Abuser::on_drain(Connection& self) {
  const Scenario scenario = run().plan().scenario;
  if (scenario == Scenario::slow_reader || scenario == Scenario::long_line) flood(self);
}

void Abuser::on_eof(Connection& self, Bytes) { self.close(); }

}  // namespace weir::load
