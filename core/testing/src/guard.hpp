// Stands between a loop and what the test owns, so that the net can outlive it: once let go, nothing
// reaches the test's handlers and services any more.
#pragma once

#include <deque>

#include <weir/handler.hpp>

namespace weir::testing {

class GuardHandler final : public Handler {
 public:
  GuardHandler(std::unique_ptr<Handler> handler, const bool& let_go)
      : handler_(std::move(handler)), let_go_(let_go) {}

  void on_open(Connection& self) override {
    if (!let_go_) handler_->on_open(self);
  }
  std::size_t on_data(Connection& self, Bytes data) override {
    return let_go_ ? data.size() : handler_->on_data(self, data);
  }
  void on_eof(Connection& self, Bytes unused) override {
    if (!let_go_) handler_->on_eof(self, unused);
  }
  void on_drain(Connection& self) override {
    if (!let_go_) handler_->on_drain(self);
  }
  void on_idle(Connection& self) override {
    if (!let_go_) handler_->on_idle(self);
  }
  void on_secure(Connection& self) override {
    if (!let_go_) handler_->on_secure(self);
  }
  void on_stop(Connection& self) override {
    if (!let_go_) handler_->on_stop(self);
  }
  void on_close(Connection& self, const CloseReason& reason) override {
    if (!let_go_) handler_->on_close(self, reason);
  }
  bool freeze(State& state) override { return !let_go_ && handler_->freeze(state); }
  void thaw(Connection& self, State& state) override {
    if (!let_go_) handler_->thaw(self, state);
  }

 private:
  std::unique_ptr<Handler> handler_;
  const bool& let_go_;
};

class GuardService final : public Service {
 public:
  GuardService(Service& service, const bool& let_go) : service_(service), let_go_(let_go) {}

  std::unique_ptr<Handler> accept(Connection& self) override {
    if (let_go_) return nullptr;
    std::unique_ptr<Handler> handler = service_.accept(self);
    if (handler == nullptr) return nullptr;
    return std::make_unique<GuardHandler>(std::move(handler), let_go_);
  }
  void on_stop() override {
    if (!let_go_) service_.on_stop();
  }
  bool freeze(State& state) override { return !let_go_ && service_.freeze(state); }
  void thaw(State& state) override {
    if (!let_go_) service_.thaw(state);
  }

 private:
  Service& service_;
  const bool& let_go_;
};

// Gives out handlers that the test made, in their order.
class HandlerQueue final : public Service {
 public:
  void push(std::unique_ptr<Handler> handler) { handlers_.push_back(std::move(handler)); }

  std::unique_ptr<Handler> accept(Connection&) override {
    if (handlers_.empty()) return nullptr;
    std::unique_ptr<Handler> handler = std::move(handlers_.front());
    handlers_.pop_front();
    return handler;
  }

 private:
  std::deque<std::unique_ptr<Handler>> handlers_;
};

}  // namespace weir::testing
