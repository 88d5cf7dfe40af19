// Stands between a loop and who dials with it, so that what a test calls tcp:// is dialled in TLS.
#pragma once

#include <list>

#include <weir/handler.hpp>
#include <weir/loop.hpp>
#include <weir/testing_tls.hpp>

namespace weir::testing {

class TlsLoop final : public Loop {
 public:
  TlsLoop(Loop& loop, Transport transport) : loop_(loop), transport_(transport) {}

  Connection& connect(const ConnectOptions& options, std::unique_ptr<Handler> handler) override {
    ConnectOptions in_tls = options;
    in_tls.to = dial_in(transport_, options.to);
    return loop_.connect(in_tls, std::move(handler));
  }

  void post(Task task) override { loop_.post(std::move(task)); }
  Timer after(Millis delay, Task task) override { return loop_.after(delay, std::move(task)); }
  SteadyTime now() const override { return loop_.now(); }
  WallTime wall() const override { return loop_.wall(); }
  std::uint64_t random() override { return loop_.random(); }
  void resolve(std::string_view host, Resolved answer) override {
    loop_.resolve(host, std::move(answer));
  }
  void work(Task blocking, Task then) override { loop_.work(std::move(blocking), std::move(then)); }
  DatagramSocket& bind(const Url& url, std::unique_ptr<DatagramHandler> handler) override {
    return loop_.bind(url, std::move(handler));
  }
  void log(Level level, std::string_view line) override { loop_.log(level, line); }
  void print(std::string_view line) override { loop_.print(line); }

 private:
  Loop& loop_;
  const Transport transport_;
};

// Opens the services of another protocol with loops of that kind.
class TlsProtocol final : public Protocol {
 public:
  TlsProtocol(std::shared_ptr<Protocol> protocol, Transport transport)
      : protocol_(std::move(protocol)), transport_(transport) {}

  void listening(const std::vector<Url>& at) override { protocol_->listening(at); }
  std::unique_ptr<Service> open(Loop& loop) override {
    return protocol_->open(loops_.emplace_back(loop, transport_));
  }
  void reload(OptionReader& options) override { protocol_->reload(options); }

 private:
  std::list<TlsLoop> loops_;  // Outlive the services.
  std::shared_ptr<Protocol> protocol_;
  const Transport transport_;
};

}  // namespace weir::testing
