// A handler whose callbacks are given by the case, and which writes down what came.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <weir/testing.hpp>

namespace weir {

using Events = std::vector<std::string>;

struct Scripted final : Handler {
  explicit Scripted(Events& seen) : events(seen) {}
  ~Scripted() override { events.push_back("gone"); }

  void on_open(Connection& self) override {
    events.push_back("open");
    if (open) open(self);
  }
  std::size_t on_data(Connection& self, Bytes bytes) override {
    events.push_back("data " + std::string(as_text(bytes)));
    return data ? data(self, bytes) : bytes.size();
  }
  void on_eof(Connection& self, Bytes unused) override {
    events.push_back("eof " + std::string(as_text(unused)));
    if (eof) return eof(self);
    self.end();
  }
  void on_drain(Connection& self) override {
    events.push_back("drain");
    if (drain) drain(self);
  }
  void on_idle(Connection& self) override {
    events.push_back("idle");
    if (idle) return idle(self);
    self.close();
  }
  void on_stop(Connection& self) override {
    events.push_back("stop");
    if (stop) return stop(self);
    self.close();
  }
  void on_close(Connection&, const CloseReason& reason) override {
    events.push_back("close " + reason.text());
  }

  Events& events;
  std::function<void(Connection&)> open;
  std::function<std::size_t(Connection&, Bytes)> data;
  std::function<void(Connection&)> eof;
  std::function<void(Connection&)> drain;
  std::function<void(Connection&)> idle;
  std::function<void(Connection&)> stop;
};

inline std::unique_ptr<Scripted> scripted(Events& seen) { return std::make_unique<Scripted>(seen); }

// Uses nothing of what comes.
inline std::size_t use_nothing(Connection&, Bytes) { return 0; }

// Stays open when the peer ends, so that the case decides.
inline void stay(Connection&) {}

}  // namespace weir
