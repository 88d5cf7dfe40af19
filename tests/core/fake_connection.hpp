// A connection that only remembers, and a deliverer that keeps core's promise about unused bytes: for
// handlers that cut the stream, tested and fuzzed without any loop.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>

#include <weir/handler.hpp>

namespace weir::testing {

class FakeConnection final : public Connection {
 public:
  explicit FakeConnection(std::uint64_t id = 1) : id_(id) {}

  using Connection::write;
  Flow write(Bytes bytes) override {
    if (!closing_) written += as_text(bytes);
    return Flow::open;
  }
  Flow write(const Payload& payload) override { return write(payload.bytes()); }
  void end() override { ended = true; }
  void close() override { closing_ = true; }
  void abort(std::error_code) override { closing_ = aborted = true; }
  bool closing() const override { return closing_; }
  std::size_t pending() const override { return 0; }
  bool full() const override { return false; }
  void pause() override { paused_ = true; }
  void resume() override { paused_ = false; }
  bool paused() const override { return paused_; }
  void hold_reads_when_full(bool) override {}
  void set_idle(Millis) override {}
  void start_tls(const TlsOptions&) override { throw SetupError("no TLS here"); }
  bool securing() const override { return false; }
  const TlsInfo* tls() const override { return nullptr; }
  Address peer() const override { return {}; }
  Address local() const override { return {}; }
  Loop& loop() override { throw std::logic_error("a fake connection has no loop"); }
  std::uint64_t id() const override { return id_; }
  std::uint64_t bytes_in() const override { return 0; }
  std::uint64_t bytes_out() const override { return written.size(); }
  ConnectionRef ref() override { return {}; }

  std::string written;
  bool ended = false;
  bool aborted = false;

 private:
  std::uint64_t id_;
  bool closing_ = false;
  bool paused_ = false;
};

// Gives bytes to a handler as core does: what was not used comes again in front of new bytes, after
// resume() and at EOF, never by itself, and nothing comes while paused or after closing.
class Deliverer {
 public:
  Deliverer(Handler& handler, FakeConnection& connection)
      : handler_(handler), connection_(connection) {}

  void send(std::string_view text, std::size_t chunk) {
    for (; !text.empty(); text.remove_prefix(std::min(chunk, text.size()))) {
      if (connection_.closing()) return;
      unused_ += text.substr(0, chunk);
      if (!connection_.paused()) offer();
    }
  }

  void resume() {
    connection_.resume();
    if (!unused_.empty() && !connection_.closing()) offer();
  }

  void eof() {
    if (connection_.closing()) return;
    // A copy of its own size, so that a sanitizer sees a read behind the end.
    const std::string last(unused_.begin(), unused_.end());
    handler_.on_eof(connection_, as_bytes(last));
    unused_.clear();
  }

  const std::string& unused() const { return unused_; }

 private:
  void offer() {
    const std::string offered(unused_.begin(), unused_.end());
    const std::size_t used = handler_.on_data(connection_, as_bytes(offered));
    if (used > offered.size()) throw std::logic_error("used more bytes than there were");
    unused_.erase(0, used);
  }

  Handler& handler_;
  FakeConnection& connection_;
  std::string unused_;
};

}  // namespace weir::testing
