// TLS as a stream over a stream: plaintext above, ciphertext below, both in the loop's buffers.
//
// What the kernel does not take of the ciphertext is held here, and counts as pending; what has been
// received and not been decrypted is kept only around a handshake. Nothing decrypted ever stays in
// OpenSSL: a read takes no more ciphertext than the plaintext of which has room above.
#pragma once

#include <cerrno>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include <openssl/ssl.h>

#include <weir/close_reason.hpp>
#include <weir/tls.hpp>

#include "driver.hpp"
#include "tls_source.hpp"

namespace weir {

struct Tail;
class TlsEngine;

class TlsStream final : public Stream {
 public:
  // What comes before a ClientHello is whole; RFC 8446 5.1 allows no more in a record.
  static constexpr std::size_t kHelloMax = (16 << 10) + 5;

  enum class Handshake : std::uint8_t {
    waits,  // For what wants() says, or for its turn.
    done,
    failed,  // failure() says why; an alert may have been sent.
  };

  // `below` belongs to the owner, like this.
  TlsStream(ConnectionCore& owner, SocketStream& below, std::shared_ptr<TlsSource> source);
  ~TlsStream() override;
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // --- The handshake.

  Handshake shake();
  bool serves() const { return serves_; }
  unsigned wants() const;  // What to wait for, while it waits.

  // --- The stream. The end of the stream is close_notify; a negative result may be a fault of TLS.

  IoResult receive(std::span<std::byte> into) override;
  IoResult send(const iovec* pieces, int count) override;  // Takes all, unless held() > 0 then.
  IoResult splice_in(Pipe&) override { return -EINVAL; }
  IoResult splice_out(Pipe&) override { return -EINVAL; }
  int shut_down() override { return below_.shut_down(); }
  int error() override { return below_.error(); }
  std::optional<std::uint32_t> unacknowledged() override { return below_.unacknowledged(); }
  void want(unsigned what) override { below_.want(what); }
  void close(bool reset) override;
  int release() override { return below_.release(); }
  Address local() const override { return below_.local(); }
  std::string local_path() const override { return below_.local_path(); }

  // --- What a stream of the kernel's has not.

  std::size_t held() const { return later_ == nullptr ? 0 : later_->out.size() - later_->out_at; }
  int push();  // What is held; 0 or a positive errno. See held() then.
  void drop_held();
  // From the end of the handshake on, what is to be sent waits for what the handler says first, and
  // leaves with that in one call of the system's: held, with all that is sent, until uncork() and
  // push().
  bool corked() const { return corked_; }
  void uncork() { corked_ = false; }
  void notify();  // close_notify, once; see held() then.
  bool notified() const { return notified_; }
  bool has_news() const {
    return !told_end_ && (ended_ || code_ != CloseReason::Code::ended || keeps_input());
  }

  // ended: nothing is wrong.
  CloseReason::Code fault() const { return code_; }
  const TlsInfo& info();
  std::string failure() const { return info_ == nullptr ? std::string() : info_->failure; }
  bool is_broken() const { return broken_; }  // There is nobody to tell.
  int error_number() const { return error_; }

  // Plaintext written between start_tls() and the handshake.
  std::vector<std::byte>& early() { return later().early; }

  // --- For the engine.

  ConnectionCore& owner() { return owner_; }
  bool entered_once() const { return entered_ != 0; }
  std::uint32_t in_flight_for(std::uint64_t tick) const {
    return static_cast<std::uint32_t>(tick) + 1 - entered_;
  }
  void enter(std::uint64_t tick) { entered_ = static_cast<std::uint32_t>(tick) + 1; }

  Tail* tail = nullptr;     // The owner's, which has no other place for it,
  std::uint32_t began = 0;  // like the loop's milliseconds when the handshake was asked for.

 private:
  friend class TlsEngine;

  enum class Turn : std::uint8_t { none, waiting, in_flight };

  // Only while there is something in it.
  struct Later {
    std::vector<std::byte> in;  // Ciphertext received and not looked at.
    std::vector<std::byte> out;
    std::size_t out_at = 0;
    std::vector<std::byte> early;
  };

  Later& later();
  void tidy();
  bool keeps_input() const { return later_ != nullptr && !later_->in.empty(); }
  bool make();
  Handshake hello();
  Handshake shaken(int result);
  void begin(std::size_t most);
  void keep_unread();
  int flush();
  void hold(Bytes ciphertext);
  bool may_update_keys(int now);
  IoResult not_read(int result, std::size_t got);
  std::size_t gather(const iovec* pieces, int count, int& at, std::size_t& offset, Bytes& bytes);
  Handshake fail(std::string why);
  Handshake break_off(std::string why, int error);
  void fault(CloseReason::Code code, std::string why);

  std::uint32_t entered_ = 0;  // One more than the tick it came into flight; 0: never.
  ConnectionCore& owner_;
  SocketStream& below_;
  TlsEngine& engine_;
  SSL* ssl_ = nullptr;                 // Made when the first bytes have come, on the serving side.
  std::shared_ptr<TlsSource> source_;  // Until then.
  std::unique_ptr<Later> later_;
  std::unique_ptr<TlsInfo> info_;  // Once somebody asks, or something failed.
  std::list<TlsStream*>::iterator place_;
  std::uint32_t updating_since_ = 0;  // The period in which KeyUpdates are counted,
  int updates_before_ = 0;            // and those of reads that are over.
  int error_ = 0;
  Turn turn_ = Turn::none;
  CloseReason::Code code_ = CloseReason::Code::ended;
  bool serves_;
  bool ended_ = false;     // The peer's close_notify has come,
  bool told_end_ = false;  // and was told.
  bool notified_ = false;
  bool corked_ = false;
  bool broken_ = false;  // The connection below has ended or failed.
};

}  // namespace weir
