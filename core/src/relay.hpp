// The two handlers of a relay, as core knows them.
#pragma once

#include <weir/relay.hpp>

namespace weir {

class ConnectionCore;

// One direction: what its own connection reads goes to the other half's.
class RelayHalf : public Handler {
 public:
  // A read that filled the buffer, twice in a row, is a stream: from then on it is spliced.
  static constexpr unsigned kFullReads = 2;
  // Two splices in a row of less than this, and it is chatter again.
  static constexpr std::size_t kSmallSplice = 16 << 10;
  static constexpr unsigned kSmallSplices = 2;
  static constexpr Millis kDrainSilence{1'000};  // A server that stops closes a relay this silent.

  RelayHalf() = default;
  RelayHalf(const RelayHalf&) = delete;
  RelayHalf& operator=(const RelayHalf&) = delete;

  std::size_t on_data(Connection&, Bytes data) override;
  void on_eof(Connection&, Bytes) override;
  void on_drain(Connection&) override;
  void on_idle(Connection&) override;

  // Called instead of a read while the direction is spliced. False: read and copy this time.
  bool splice();

 protected:
  ~RelayHalf() override;
  void join(RelayHalf& other);
  void stop();
  void half_close();
  static bool is_open(const RelayHalf& half) { return half.open_; }
  void begin(Connection& self);
  void end_other(const CloseReason& reason);

  ConnectionCore* self_ = nullptr;
  RelayHalf* other_ = nullptr;       // Null once it is gone.
  std::uint8_t full_reads_ : 4 = 0;  // Together eight bytes: an idle pair pays for them.
  std::uint8_t small_splices_ : 4 = 0;
  bool open_ = false;  // Connected: not so the far half while it is dialled.
  bool stopping_ = false;
  bool half_closed_ = false;  // One of the two has ended.
  std::uint16_t tried_ = 0;   // Targets, by the near half.
  std::uint16_t first_ = 0;
};

class RelayNear;

// The connection to the target.
class RelayFar final : public RelayHalf {
 public:
  explicit RelayFar(RelayNear& near);
  void use(Connection& self) { begin(self); }

  void on_open(Connection&) override;
  void on_stop(Connection&) override;
  void on_close(Connection&, const CloseReason& reason) override;
};

// The accepted connection.
class RelayNear final : public RelayHalf {
 public:
  explicit RelayNear(RelayTargets& targets);

  void on_open(Connection& self) override;
  void on_stop(Connection& self) override;
  void on_close(Connection&, const CloseReason& reason) override;

  void reached();                                                // The target is connected.
  void missed(const CloseReason& reason, std::string_view why);  // This one cannot be; of TLS, why.

 private:
  void dial();
  const ConnectOptions& target() const;

  RelayTargets& targets_;
};

}  // namespace weir
