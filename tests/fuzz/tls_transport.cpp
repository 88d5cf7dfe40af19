// A TLS connection of the product's against a peer that the input drives: it sends, ends and breaks its
// stream in every order, holds back, cuts, garbles and repeats its records, and puts bytes of its own
// among them. Whatever it does, the handler gets a beginning of what was sent and nothing else, the peer
// a beginning of what was answered, on_close comes once, and what is held is bounded.
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>

#include <weir/testing.hpp>
#include <weir/testing_tls.hpp>

namespace {

using weir::testing::Transport;

constexpr int kStepsMost = 200;
constexpr std::size_t kPieceMost = 40'000;
constexpr std::size_t kHeldMost =
    (512 << 10);  // Bytes pending: write_max, and what one write adds.

void check(bool good) {
  if (!good) std::abort();
}

struct Seen {
  std::string arrived;
  std::string written;
  int opened = 0;
  int closed = 0;
};

class Answering final : public weir::Handler {
 public:
  explicit Answering(Seen& seen) : seen_(seen) {}

  void on_open(weir::Connection& self) override {
    check(self.tls() != nullptr && !self.securing());
    ++seen_.opened;
  }
  std::size_t on_data(weir::Connection& self, weir::Bytes data) override {
    check(seen_.opened == 1 && seen_.closed == 0);
    seen_.arrived += weir::as_text(data);
    seen_.written += weir::as_text(data);
    self.write(data);
    check(self.pending() <= kHeldMost);
    return data.size();
  }
  void on_close(weir::Connection&, const weir::CloseReason&) override { ++seen_.closed; }

 private:
  Seen& seen_;
};

// The input, a byte at a time; zeros when it is used up.
class Dice {
 public:
  Dice(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}

  bool empty() const { return left_ == 0; }
  unsigned next() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }
  std::size_t size(std::size_t most) { return (next() << 8 | next()) % (most + 1); }

 private:
  const std::uint8_t* data_;
  std::size_t left_;
};

class Drive {
 public:
  Drive(Dice& dice, Seen& seen) : dice_(dice), seen_(seen), net_(options()) {
    weir::testing::TlsPeer how;
    how.version = version_;
    if (dice_.next() % 2 == 0) how.cut = 1 + dice_.size(500);
    if (dice_.next() % 4 == 0) how.hold_after = dice_.size(2'000);
    peer_ = &net_.connect(std::make_unique<Answering>(seen_), how);
  }

  void run() {
    for (int step = 0; step < kStepsMost && !dice_.empty(); ++step) {
      act(dice_.next() % 16);
      came_back_ += peer_->take();
      judge();
    }
    peer_->unstall();
    peer_->close();
    net_.run();
    net_.advance(std::chrono::hours(1));
    came_back_ += peer_->take();
    judge();
    check(peer_->gone());
    check(seen_.closed == seen_.opened);
  }

 private:
  weir::testing::NetOptions options() {
    weir::testing::NetOptions options;
    version_ = dice_.next() % 2 == 0 ? Transport::tls13 : Transport::tls12;
    options.transport = version_;
    options.level = weir::Level::error;
    options.unix_sockets = dice_.next() % 4 == 0;
    return options;
  }

  void judge() const {
    check(sent_.starts_with(seen_.arrived));
    check(seen_.written.starts_with(came_back_));
    check(seen_.closed <= 1);
  }

  void send() {
    if (asked_again_) return;  // The peer's own TLS waits for an answer that does not come.
    const std::string text(dice_.size(kPieceMost), static_cast<char>('a' + sent_.size() % 26));
    sent_ += text;
    peer_->send(text);
  }

  // Records that were held back arrive garbled, in another order, or twice.
  void mangle() {
    std::string held = peer_->tls().held();
    if (held.empty()) return;
    const std::size_t at = dice_.size(held.size() - 1);
    switch (dice_.next() % 3) {
      case 0:
        held[at] = static_cast<char>(dice_.next());
        break;
      case 1:
        held = held.substr(at) + held.substr(0, at);
        break;
      default:
        held = held.substr(0, at) + held;
        break;
    }
    peer_->tls().send_raw(held);
  }

  void raw() {
    std::string bytes;
    for (std::size_t left = dice_.next() % 64; left > 0; --left) {
      bytes += static_cast<char>(dice_.next());
    }
    peer_->tls().send_raw(bytes);
  }

  void change_keys() {
    weir::testing::PeerTls tls = peer_->tls();
    if (!tls.state().secured() || tls.state().failed() || ended_ || asked_again_) return;
    if (version_ == Transport::tls13) return tls.update_keys(dice_.next() % 2 == 0);
    asked_again_ = true;
    tls.renegotiate();
  }

  void answer_more() {
    weir::Connection* const connection = peer_->connection();
    if (connection == nullptr || seen_.opened == 0 || seen_.closed > 0) return;
    const std::string text(dice_.size(kPieceMost), '-');
    seen_.written += text;
    connection->write(text);
    net_.run();
  }

  void act(unsigned what) {
    weir::testing::PeerTls tls = peer_->tls();
    weir::Connection* const connection = peer_->connection();
    switch (what) {
      case 0:
      case 1:
      case 2:
        return send();
      case 3:
        return tls.hold(dice_.next());
      case 4:
        tls.release(dice_.size(3'000));
        return net_.run();
      case 5:
        tls.release();
        return net_.run();
      case 6:
        return mangle();
      case 7:
        return raw();
      case 8:
        return change_keys();
      case 9:
        return peer_->stall();
      case 10:
        peer_->unstall();
        return net_.run();
      case 11:
        return net_.advance(weir::Millis{dice_.size(8'000)});
      case 12:
        return answer_more();
      case 13:
        if (connection != nullptr && seen_.opened > 0) connection->end();
        return net_.run();
      case 14:
        if (dice_.next() % 8 == 0) return peer_->reset();
        ended_ = true;
        return tls.notify();
      default:
        if (dice_.next() % 4 == 0) return tls.truncate();
        return net_.run();
    }
  }

  Dice& dice_;
  Seen& seen_;
  Transport version_ = Transport::tls13;
  weir::testing::Net net_;
  weir::testing::Peer* peer_ = nullptr;
  bool asked_again_ = false;  // To renegotiate.
  bool ended_ = false;
  std::string sent_;
  std::string came_back_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Dice dice(data, size);
  Seen seen;
  Drive(dice, seen).run();
  return 0;
}
