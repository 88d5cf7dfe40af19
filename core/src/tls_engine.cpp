#include "tls_engine.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <string>

#include "connection_core.hpp"
#include "loop_core.hpp"
#include "tls_stream.hpp"

namespace weir {

TlsEngine::TlsEngine(LoopCore& core) : core_(core), bio_(BIO_new(method())) {
  if (bio_ == nullptr) throw std::bad_alloc();
  BIO_set_data(bio_, this);
  BIO_set_init(bio_, 1);
  out_.reserve(kOutSize);
}

TlsEngine::~TlsEngine() { BIO_free(bio_); }

BIO_METHOD* TlsEngine::method() {
  static BIO_METHOD* const made = [] {
    BIO_METHOD* const method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir");
    if (method == nullptr) throw std::bad_alloc();
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_ctrl(method, bio_control);
    return method;
  }();
  return made;
}

int TlsEngine::bio_read(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  auto& self = *static_cast<TlsEngine*>(BIO_get_data(bio));
  const int got =
      self.read({reinterpret_cast<std::byte*>(into), static_cast<std::size_t>(std::max(size, 0))});
  if (got < 0 && self.error_ == 0) BIO_set_retry_read(bio);
  return got;
}

// Always takes everything: who writes has bounded what it asks OpenSSL to write.
int TlsEngine::bio_write(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  if (size <= 0) return 0;
  auto& self = *static_cast<TlsEngine*>(BIO_get_data(bio));
  const auto* const data = reinterpret_cast<const std::byte*>(from);
  try {
    self.out_.insert(self.out_.end(), data, data + size);
  } catch (const std::bad_alloc&) {
    return -1;
  }
  return size;
}

long TlsEngine::bio_control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:
    case BIO_CTRL_PUSH:
    case BIO_CTRL_POP:
    case BIO_CTRL_DUP:
      return 1;
    case BIO_CTRL_EOF:
      return static_cast<TlsEngine*>(BIO_get_data(bio))->eof_ ? 1 : 0;
    default:
      return 0;
  }
}

void TlsEngine::on_message(int sent, int, int type, const void* data, std::size_t size, SSL*,
                           void* engine) {
  if (sent != 0 || type != SSL3_RT_HANDSHAKE || size == 0) return;
  if (*static_cast<const unsigned char*>(data) != SSL3_MT_KEY_UPDATE) return;
  ++static_cast<TlsEngine*>(engine)->key_updates_;
}

void TlsEngine::attach(SSL* ssl) {
  BIO_up_ref(bio_);
  SSL_set_bio(ssl, bio_, bio_);
  SSL_clear_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE);  // The BIO takes all: a write is whole.
  SSL_set_msg_callback(ssl, on_message);
  SSL_set_msg_callback_arg(ssl, this);
}

void TlsEngine::begin(SocketStream* from, std::size_t most) {
  from_ = from;
  most_ = most;
  in_at_ = in_end_ = 0;
  drained_ = from == nullptr;
  eof_ = false;
  error_ = 0;
  key_updates_ = 0;
}

void TlsEngine::feed(Bytes ciphertext) {
  in_at_ = 0;
  in_end_ = std::min(ciphertext.size(), in_.size());
  std::memcpy(in_.data(), ciphertext.data(), in_end_);
}

int TlsEngine::read(std::span<std::byte> into) {
  if (in_at_ == in_end_) {
    const std::size_t ask = std::min(in_.size(), most_);
    if (drained_ || eof_ || ask == 0) return eof_ ? 0 : -1;
    const IoResult got = from_->receive(std::span(in_).first(ask));
    if (got < 0) {
      drained_ = true;
      if (got != -EAGAIN && got != -EINTR) error_ = static_cast<int>(-got);
      return -1;
    }
    eof_ = got == 0;
    in_at_ = 0;
    in_end_ = static_cast<std::size_t>(got);
    most_ -= in_end_;
    drained_ = in_end_ < ask;
    if (eof_) return 0;
  }
  const std::size_t size = std::min(into.size(), in_end_ - in_at_);
  std::memcpy(into.data(), in_.data() + in_at_, size);
  in_at_ += size;
  return static_cast<int>(size);
}

// A long chain of certificates may have made it larger than it need be.
void TlsEngine::out_sent() {
  constexpr std::size_t kept = 2 * kOutSize;
  if (out_.capacity() > kept) {
    out_ = {};
    out_.reserve(kOutSize);
  }
  out_.clear();
}

bool TlsEngine::take_step() {
  if (step_turn_ != core_.turn()) {
    step_turn_ = core_.turn();
    steps_ = 0;
  }
  return steps_++ < kHandshakesPerTurn;
}

// Whether one more may be in flight: there is room, or the oldest waits for its peer.
bool TlsEngine::make_room() {
  if (in_flight_.size() < kHandshakesInFlight) return true;
  TlsStream& oldest = *in_flight_.front();
  if (oldest.in_flight_for(core_.tick()) < kPatience.count()) return false;
  oldest.turn_ = TlsStream::Turn::none;
  in_flight_.pop_front();
  return true;
}

bool TlsEngine::enter(TlsStream& stream) {
  if (stream.turn_ == TlsStream::Turn::in_flight || stream.entered_once()) return true;
  if (stream.turn_ == TlsStream::Turn::waiting) return false;
  const bool now = waiting_.empty() && make_room();
  std::list<TlsStream*>& list = now ? in_flight_ : waiting_;
  stream.place_ = list.insert(list.end(), &stream);
  stream.turn_ = now ? TlsStream::Turn::in_flight : TlsStream::Turn::waiting;
  if (now) stream.enter(core_.tick());
  if (!now) watch();
  return now;
}

void TlsEngine::leave(TlsStream& stream) {
  const TlsStream::Turn turn = std::exchange(stream.turn_, TlsStream::Turn::none);
  if (turn == TlsStream::Turn::none) return;
  (turn == TlsStream::Turn::waiting ? waiting_ : in_flight_).erase(stream.place_);
  admit();
}

void TlsEngine::admit() {
  while (!waiting_.empty() && make_room()) {
    TlsStream& next = *waiting_.front();
    in_flight_.splice(in_flight_.end(), waiting_, next.place_);
    next.turn_ = TlsStream::Turn::in_flight;
    next.enter(core_.tick());
    next.owner().secure_soon();
  }
  watch();
}

// While some wait, those in flight are looked at again.
void TlsEngine::watch() {
  if (waiting_.empty()) return look_.cancel();
  if (look_.entry() != nullptr) return;
  look_ = core_.after(
      kPatience,
      [this] {
        look_.cancel();
        admit();
      },
      core_.root());
}

void TlsEngine::tell_failure(std::string_view service, std::string_view line) {
  ++failures_;
  const std::uint64_t now = core_.tick() + 1;
  if (told_ != 0 && now - told_ < static_cast<std::uint64_t>(kTellEvery.count())) return;
  told_ = now;
  std::string text(line);
  if (failures_ > 1) {
    text += " (" + std::to_string(failures_) + " handshakes failed since the last line)";
  }
  failures_ = 0;
  core_.log(Level::info, service, text);
}

}  // namespace weir
