#include "tls_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "connection_core.hpp"
#include "tls_engine.hpp"
#include "tls_error.hpp"
#include "tls_info.hpp"

namespace weir {

namespace {

constexpr unsigned kHandshakeRecord = 22;  // RFC 8446 5.1.
constexpr unsigned kClientHello = 1;       // RFC 8446 4.
constexpr std::size_t kRecordHead = 5;

enum class Hello : std::uint8_t { not_tls, unfinished, whole };

// Looks at no more than tells a ClientHello from everything else, so that no memory is spent on what
// is none, and none of OpenSSL's on one that never gets whole.
Hello look_at(Bytes bytes) {
  const auto at = [&](std::size_t i) { return std::to_integer<unsigned>(bytes[i]); };
  if (!bytes.empty() && at(0) != kHandshakeRecord) return Hello::not_tls;
  if (bytes.size() > 1 && at(1) != 3) return Hello::not_tls;
  if (bytes.size() > 2 && at(2) > 4) return Hello::not_tls;
  if (bytes.size() < kRecordHead) return Hello::unfinished;
  const std::size_t length = at(3) << 8 | at(4);
  if (length < 4 || length > TlsEngine::kRecord) return Hello::not_tls;
  if (bytes.size() > kRecordHead && at(kRecordHead) != kClientHello) return Hello::not_tls;
  return bytes.size() < kRecordHead + length ? Hello::unfinished : Hello::whole;
}

}  // namespace

TlsStream::TlsStream(ConnectionCore& owner, SocketStream& below, std::shared_ptr<TlsSource> source)
    : owner_(owner),
      below_(below),
      engine_(owner.service().core().tls()),
      source_(std::move(source)),
      serves_(source_->serves()) {}

TlsStream::~TlsStream() {
  engine_.leave(*this);
  SSL_free(ssl_);
}

TlsStream::Later& TlsStream::later() {
  if (later_ == nullptr) later_ = std::make_unique<Later>();
  return *later_;
}

void TlsStream::tidy() {
  if (later_ == nullptr) return;
  if (later_->in.empty() && held() == 0 && later_->early.empty()) later_.reset();
}

bool TlsStream::make() {
  if (ssl_ != nullptr) return true;
  ssl_ = source_->make();
  if (ssl_ == nullptr) return false;
  engine_.attach(ssl_);
  source_.reset();
  return true;
}

// Ciphertext that is kept comes first; `most` bounds what is received behind it.
void TlsStream::begin(std::size_t most) {
  clear_tls_errors();  // The queue is the thread's: what is in it may be of any connection.
  engine_.begin(&below_, most);
  if (!keeps_input()) return;
  const std::size_t taken = std::min(later_->in.size(), TlsEngine::kInSize);
  engine_.feed(Bytes(later_->in).first(taken));
  later_->in.erase(later_->in.begin(), later_->in.begin() + static_cast<std::ptrdiff_t>(taken));
  tidy();
}

void TlsStream::keep_unread() {
  const Bytes unread = engine_.unread();
  if (unread.empty()) return;
  std::vector<std::byte>& in = later().in;
  in.insert(in.begin(), unread.begin(), unread.end());
}

unsigned TlsStream::wants() const {
  if (turn_ == Turn::waiting) return ready::kNothing;
  return ready::kRead | (held() > 0 ? ready::kWrite : ready::kNothing);
}

TlsStream::Handshake TlsStream::shake() {
  if (const int error = push()) return break_off("the connection broke", error);
  if (serves_ && ssl_ == nullptr) {
    const Handshake heard = hello();
    if (heard != Handshake::done) return heard;
  }
  if (!engine_.enter(*this)) return Handshake::waits;
  if (!engine_.take_step()) {
    owner_.secure_soon();
    return Handshake::waits;
  }
  const bool answers_hello = serves_ && ssl_ == nullptr;  // Nothing can have come behind it so far.
  if (!make()) return fail("out of memory");
  begin(answers_hello ? 0 : kHelloMax);
  const int result = SSL_do_handshake(ssl_);
  return shaken(result);
}

// Until the client's first message is whole there is no SSL: it could stay that way until the timeout.
TlsStream::Handshake TlsStream::hello() {
  std::vector<std::byte>& in = later().in;
  if (look_at(in) != Hello::whole) {
    engine_.begin(&below_, kHelloMax);
    const std::size_t before = in.size();
    in.resize(kHelloMax);
    const IoResult got = below_.receive(std::span(in).subspan(before));
    in.resize(before + static_cast<std::size_t>(std::max<IoResult>(got, 0)));
    if (got == 0) return break_off("the peer ended the connection", 0);
    if (got < 0 && got != -EAGAIN && got != -EINTR) {
      return break_off("the connection broke", static_cast<int>(-got));
    }
  }
  switch (look_at(in)) {
    case Hello::whole:
      return Handshake::done;
    case Hello::not_tls:
      return fail("what the peer sent is not TLS");
    case Hello::unfinished:
      break;
  }
  in.shrink_to_fit();
  return Handshake::waits;
}

TlsStream::Handshake TlsStream::shaken(int result) {
  const int what = SSL_get_error(ssl_, result);
  const bool goes_on = result == 1 || what == SSL_ERROR_WANT_READ || what == SSL_ERROR_WANT_WRITE;
  const bool eof = engine_.eof();
  const int received = engine_.error();
  std::string why = goes_on || eof || received != 0 ? std::string() : tls_failure(ssl_, what);
  clear_tls_errors();
  keep_unread();
  // Whoever speaks first has something to say at once; so does who has been asked already.
  corked_ = result == 1 && (!serves_ || keeps_input());
  const int sent = flush();
  if (!why.empty()) return fail(std::move(why));
  if (!goes_on && eof) return break_off("the peer ended the connection", 0);
  if (received != 0 || sent != 0) {
    return break_off("the connection broke", received != 0 ? received : sent);
  }
  if (result != 1) return Handshake::waits;
  engine_.leave(*this);
  return Handshake::done;
}

TlsStream::Handshake TlsStream::break_off(std::string why, int error) {
  broken_ = true;
  error_ = error;
  return fail(std::move(why));
}

TlsStream::Handshake TlsStream::fail(std::string why) {
  fault(CloseReason::Code::handshake, std::move(why));
  engine_.leave(*this);
  return Handshake::failed;
}

void TlsStream::fault(CloseReason::Code code, std::string why) {
  code_ = code;
  if (info_ == nullptr) info_ = std::make_unique<TlsInfo>();
  info_->failure = std::move(why);
}

IoResult TlsStream::receive(std::span<std::byte> into) {
  if (ended_) {
    told_end_ = true;
    return 0;
  }
  if (code_ != CloseReason::Code::ended) {
    told_end_ = true;
    return code_ == CloseReason::Code::reset ? -error_ : -EPROTO;
  }
  // Of what is received now, and of the record of which a part is here, everything has room above.
  const bool kept = keeps_input();
  const std::size_t partial = TlsEngine::kInSize + (kept ? later_->in.size() : 0);
  begin(into.size() > partial ? into.size() - partial : 0);
  std::size_t got = 0;
  for (;;) {
    const std::size_t room = std::min<std::size_t>(into.size() - got, 1 << 30);
    const int result = SSL_read(ssl_, into.data() + got, static_cast<int>(room));
    if (engine_.key_updates() > 0 && !may_update_keys(engine_.key_updates())) {
      fault(CloseReason::Code::tls, "the peer changes its keys too often");
      break;
    }
    if (result <= 0) return not_read(result, got);
    got += static_cast<std::size_t>(result);
    // With nothing left here or there, another call would only be told to come again. After what was kept
    // the socket is not asked: the poll tells of what is in there.
    const bool over = kept || engine_.drained();
    if (engine_.unread().empty() && over && SSL_has_pending(ssl_) == 0) break;
  }
  updates_before_ += engine_.key_updates();
  keep_unread();
  flush();
  return got > 0 ? static_cast<IoResult>(got) : -EAGAIN;
}

// `now` is how many came in this read so far.
bool TlsStream::may_update_keys(int now) {
  const auto stamp = static_cast<std::uint32_t>(owner_.service().core().tick());
  if (stamp - updating_since_ >= TlsEngine::kKeyUpdatesIn.count()) {
    updating_since_ = stamp;
    updates_before_ = 0;
  }
  return updates_before_ + now <= TlsEngine::kKeyUpdatesMost;
}

// Why a read gave nothing. What came before it is delivered first.
IoResult TlsStream::not_read(int result, std::size_t got) {
  const int what = SSL_get_error(ssl_, result);
  if (what == SSL_ERROR_ZERO_RETURN) {
    ended_ = true;
  } else if (what != SSL_ERROR_WANT_READ && what != SSL_ERROR_WANT_WRITE) {
    if (engine_.error() != 0) {
      error_ = engine_.error();
      fault(CloseReason::Code::reset, "the connection broke");
    } else if (engine_.eof()) {
      fault(CloseReason::Code::tls_truncated, "the peer ended the connection without close_notify");
    } else {
      fault(CloseReason::Code::tls, tls_failure(ssl_, what));
    }
  }
  updates_before_ += engine_.key_updates();
  clear_tls_errors();
  keep_unread();
  flush();
  if (got > 0) return static_cast<IoResult>(got);
  if (!has_news()) return -EAGAIN;
  told_end_ = true;
  if (ended_) return 0;
  return code_ == CloseReason::Code::reset ? -error_ : -EPROTO;
}

// The next bytes to be one write: a large piece as it lies, small ones side by side.
std::size_t TlsStream::gather(const iovec* pieces, int count, int& at, std::size_t& offset,
                              Bytes& bytes) {
  const auto rest = [&] {
    return Bytes(static_cast<const std::byte*>(pieces[at].iov_base) + offset,
                 pieces[at].iov_len - offset);
  };
  bytes = rest();
  if (bytes.size() >= TlsEngine::kRecord || at + 1 == count) {
    bytes = bytes.first(std::min(bytes.size(), TlsEngine::kOutSize));
    offset += bytes.size();
    if (offset == pieces[at].iov_len) {
      ++at;
      offset = 0;
    }
    return bytes.size();
  }
  const std::span<std::byte> staging = engine_.staging();
  std::size_t size = 0;
  while (at < count && size < staging.size()) {
    const Bytes piece = rest().first(std::min(rest().size(), staging.size() - size));
    std::memcpy(staging.data() + size, piece.data(), piece.size());
    size += piece.size();
    offset += piece.size();
    if (offset < pieces[at].iov_len) break;
    ++at;
    offset = 0;
  }
  bytes = staging.first(size);
  return size;
}

IoResult TlsStream::send(const iovec* pieces, int count) {
  if (held() > 0 && !corked_) return -EAGAIN;
  if (code_ != CloseReason::Code::ended) return -EPIPE;
  clear_tls_errors();
  engine_.begin(nullptr, 0);
  std::size_t sent = 0;
  std::size_t offset = 0;
  for (int at = 0; at < count && (held() == 0 || corked_);) {
    Bytes bytes;
    const std::size_t size = gather(pieces, count, at, offset, bytes);
    if (size == 0) continue;
    const int result = SSL_write(ssl_, bytes.data(), static_cast<int>(size));
    if (result <= 0) {
      clear_tls_errors();
      engine_.out_sent();
      return -EPIPE;
    }
    sent += size;
    if (at < count && engine_.out().size() + TlsEngine::kRecord <= TlsEngine::kOutSize) continue;
    if (const int broken = flush()) return -broken;
  }
  return static_cast<IoResult>(sent);
}

// Sends what OpenSSL wrote; what the kernel does not take is held.
int TlsStream::flush() {
  std::vector<std::byte>& out = engine_.out();
  if (out.empty()) return 0;
  Bytes left(out);
  if (corked_) {
    hold(left);
    engine_.out_sent();
    if (held() < TlsEngine::kOutSize) return 0;
    uncork();
    return push();
  }
  int broken = 0;
  while (held() == 0 && !left.empty()) {
    const iovec piece{const_cast<std::byte*>(left.data()), left.size()};
    const IoResult sent = below_.send(&piece, 1);
    if (sent == -EINTR) continue;
    if (sent == -EAGAIN) break;
    if (sent < 0) {
      broken = static_cast<int>(-sent);
      left = {};
      break;
    }
    left = left.subspan(static_cast<std::size_t>(sent));
    if (!left.empty()) break;
  }
  if (!left.empty()) hold(left);
  engine_.out_sent();
  return broken;
}

void TlsStream::hold(Bytes ciphertext) {
  Later& kept = later();
  if (kept.out_at > 0) {
    kept.out.erase(kept.out.begin(), kept.out.begin() + static_cast<std::ptrdiff_t>(kept.out_at));
    kept.out_at = 0;
  }
  kept.out.insert(kept.out.end(), ciphertext.begin(), ciphertext.end());
}

int TlsStream::push() {
  if (held() == 0) return 0;
  const Bytes rest = Bytes(later_->out).subspan(later_->out_at);
  const iovec piece{const_cast<std::byte*>(rest.data()), rest.size()};
  const IoResult sent = below_.send(&piece, 1);
  if (sent == -EAGAIN || sent == -EINTR) return 0;
  if (sent < 0) {
    drop_held();
    return static_cast<int>(-sent);
  }
  later_->out_at += static_cast<std::size_t>(sent);
  if (held() == 0) drop_held();
  return 0;
}

void TlsStream::drop_held() {
  if (later_ == nullptr) return;
  later_->out = {};
  later_->out_at = 0;
  tidy();
}

void TlsStream::notify() {
  if (notified_) return;
  notified_ = true;
  if (ssl_ == nullptr || code_ != CloseReason::Code::ended || SSL_is_init_finished(ssl_) == 0) {
    return;
  }
  clear_tls_errors();
  engine_.begin(nullptr, 0);
  SSL_shutdown(ssl_);
  clear_tls_errors();
  flush();
}

void TlsStream::close(bool reset) {
  engine_.leave(*this);
  if (ssl_ != nullptr && code_ == CloseReason::Code::ended) {
    // Else OpenSSL takes its session for one that failed, which nobody may resume.
    SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }
  SSL_free(std::exchange(ssl_, nullptr));
  below_.close(reset);
}

const TlsInfo& TlsStream::info() {
  const bool known = info_ != nullptr && !info_->version.empty();
  if (!known && ssl_ != nullptr && SSL_is_init_finished(ssl_) != 0) {
    TlsInfo info = tls_info(ssl_);
    if (info_ != nullptr) info.failure = std::move(info_->failure);
    info_ = std::make_unique<TlsInfo>(std::move(info));
  }
  if (info_ == nullptr) info_ = std::make_unique<TlsInfo>();
  return *info_;
}

}  // namespace weir
