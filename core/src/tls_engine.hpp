// What all TLS connections of a loop share: one BIO, one buffer for ciphertext each way, and the
// turns they take at handshakes.
//
// Nothing of it outlives a call: a stream begins, OpenSSL reads and writes through the BIO, and the
// stream has taken whatever is left when it returns. So a connection that is idle has no buffer.
#pragma once

#include <list>
#include <vector>

#include <openssl/ssl.h>

#include "driver.hpp"

namespace weir {

class LoopCore;
class TlsStream;

class TlsEngine {
 public:
  // A record and a little: a larger read would leave the processor's cache before it is decrypted.
  static constexpr std::size_t kInSize = 17 << 10;
  static constexpr std::size_t kOutSize = 64 << 10;  // Ciphertext of one system call.
  static constexpr std::size_t kRecord = 16 << 10;   // Plaintext of a full record, RFC 8446 5.1.

  // More, and established peers wait behind new ones: a step may be a signature.
  static constexpr int kHandshakesPerTurn = 5;
  // The peak of what handshakes need is what fragments the heap, for every connection that stays.
  static constexpr std::size_t kHandshakesInFlight = 32;
  // A handshake that has taken longer waits for its peer, and others need not wait for it.
  static constexpr Millis kPatience{20};
  // Each costs us several hashes, and its sender few. Honest peers change keys every some gigabytes.
  static constexpr int kKeyUpdatesMost = 32;  // Of one peer, in
  static constexpr Millis kKeyUpdatesIn{10'000};
  static constexpr Millis kTellEvery{1'000};  // One line about handshakes that failed.

  explicit TlsEngine(LoopCore& core);
  ~TlsEngine();
  TlsEngine(const TlsEngine&) = delete;
  TlsEngine& operator=(const TlsEngine&) = delete;

  // --- For a stream, during one of its calls.

  // From here on the BIO reads from `from` (null: nothing but what feed() gave), at most `most` bytes.
  void begin(SocketStream* from, std::size_t most);
  void feed(Bytes ciphertext);  // To be read first; at most kInSize.
  Bytes unread() const { return Bytes(in_).subspan(in_at_, in_end_ - in_at_); }
  bool drained() const { return drained_; }  // The kernel had no more.
  bool eof() const { return eof_; }
  int error() const { return error_; }  // Of receiving, positive; 0: none.
  int key_updates() const { return key_updates_; }

  std::vector<std::byte>& out() { return out_; }  // Ciphertext to be sent.
  void out_sent();                                // All of it is sent or kept elsewhere.
  std::span<std::byte> staging() { return staging_; }
  void attach(SSL* ssl);  // Gives it the BIO.

  // --- Turns at handshakes.

  using Place = std::list<TlsStream*>::iterator;

  bool take_step();  // False: this turn has had its share.
  // True: go on. False: the stream waits, and its owner is told when it may.
  bool enter(TlsStream& stream);
  void leave(TlsStream& stream);  // Done, failed or gone.

  // One line a second about failures, of all peers together.
  void tell_failure(std::string_view service, std::string_view line);

 private:
  friend class TlsStream;

  static BIO_METHOD* method();
  static int bio_read(BIO* bio, char* into, int size);
  static int bio_write(BIO* bio, const char* from, int size);
  static long bio_control(BIO* bio, int command, long number, void* pointer);
  static void on_message(int sent, int version, int type, const void* data, std::size_t size,
                         SSL* ssl, void* engine);
  int read(std::span<std::byte> into);
  void admit();
  void watch();
  bool make_room();

  LoopCore& core_;
  BIO* bio_;
  std::vector<std::byte> in_ = std::vector<std::byte>(kInSize);
  std::size_t in_at_ = 0;
  std::size_t in_end_ = 0;
  std::vector<std::byte> out_;
  std::vector<std::byte> staging_ = std::vector<std::byte>(kRecord);

  SocketStream* from_ = nullptr;
  std::size_t most_ = 0;
  bool drained_ = false;
  bool eof_ = false;
  int error_ = 0;
  int key_updates_ = 0;

  std::list<TlsStream*> in_flight_;  // The oldest first,
  std::list<TlsStream*> waiting_;    // like these.
  Timer look_;
  std::uint32_t step_turn_ = 0;
  int steps_ = 0;

  std::uint64_t failures_ = 0;  // Since the last line.
  std::uint64_t told_ = 0;      // Tick of the last line; 0: none.
};

}  // namespace weir
