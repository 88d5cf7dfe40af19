#include "trace.hpp"

#include <algorithm>
#include <string>

#include <weir/loop.hpp>

namespace weir {

namespace {

constexpr std::size_t kShown = 256;  // Bytes of data in a line.

// The log escapes it. What the bytes are stands last, so that they need no quotes.
std::string shown(Bytes bytes) {
  return std::to_string(bytes.size()) + ": " +
         std::string(as_text(bytes.first(std::min(bytes.size(), kShown)))) +
         (bytes.size() > kShown ? "..." : "");
}

class Traced final : public Handler {
 public:
  explicit Traced(std::unique_ptr<Handler> inner) : inner_(std::move(inner)) {}

  void on_open(Connection& c) override {
    say(c, "on_open " + c.peer().text());
    inner_->on_open(c);
  }
  std::size_t on_data(Connection& c, Bytes data) override {
    const std::string text = shown(data);  // Before the handler: it may throw.
    say(c, "on_data " + text);
    const std::size_t used = inner_->on_data(c, data);
    if (used < data.size()) say(c, "on_data used " + std::to_string(used));
    return used;
  }
  void on_eof(Connection& c, Bytes unused) override {
    say(c, "on_eof " + shown(unused));
    inner_->on_eof(c, unused);
  }
  void on_drain(Connection& c) override {
    say(c, "on_drain");
    inner_->on_drain(c);
  }
  void on_idle(Connection& c) override {
    say(c, "on_idle");
    inner_->on_idle(c);
  }
  void on_secure(Connection& c) override {
    say(c, "on_secure");
    inner_->on_secure(c);
  }
  void on_stop(Connection& c) override {
    say(c, "on_stop");
    inner_->on_stop(c);
  }
  void on_close(Connection& c, const CloseReason& reason) override {
    say(c, "on_close " + reason.text());
    inner_->on_close(c, reason);
  }
  bool freeze(State& state) override { return inner_->freeze(state); }
  void thaw(Connection& c, State& state) override {
    say(c, "thaw");
    inner_->thaw(c, state);
  }

 private:
  static void say(Connection& c, const std::string& what) {
    c.loop().log(Level::trace, "#" + std::to_string(c.id()) + " " + what);
  }

  std::unique_ptr<Handler> inner_;
};

}  // namespace

std::unique_ptr<Handler> traced(std::unique_ptr<Handler> inner) {
  return std::make_unique<Traced>(std::move(inner));
}

}  // namespace weir
