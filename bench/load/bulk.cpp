#include "bulk.hpp"

namespace weir::load {

namespace {

class SendSession final : public Session {
 public:
  SendSession(SendRun& run, std::size_t index)
      : Session(run, index), sender_(run.pieces(), index * 97), counts_(!run.plan().backend) {}

  void begin(Connection& self) override {
    sender_.begin(self);
    sender_.fill(self);
  }

  void on_drain(Connection& self) override {
    if (run().finished()) return;
    count(self);
    sender_.fill(self);
  }

  // What the server's kernel took since the last time.
  void count(const Connection& self) {
    const std::uint64_t before = std::exchange(taken_, self.bytes_out());
    if (counts_) run().meter().bytes += taken_ - before;
  }

  // A server that sends something back is read, so that it does not wait for us.
  std::size_t on_data(Connection&, Bytes data) override { return data.size(); }

 private:
  StreamSender sender_;
  std::uint64_t taken_ = 0;  // Bytes that were counted.
  bool counts_;
};

class ReceiveSession final : public Session {
 public:
  ReceiveSession(ReceiveRun& run, std::size_t index)
      : Session(run, index), checker_(run.pattern()) {}

  std::size_t on_data(Connection& self, Bytes data) override {
    const StreamChecker::Taken taken = checker_.take(data);
    if (!taken.right) return wrong(self, data, "they are not what was sent");
    if (!run().finished()) run().meter().bytes += taken.used;
    return taken.used;
  }

 private:
  StreamChecker checker_;
};

}  // namespace

SendRun::SendRun(const Tools& tools, const Plan& plan, Task done)
    : Run(tools, plan, std::move(done)), pieces_(pattern(), plan.size) {}

void SendRun::count_all() {
  for (const Made& each : all_made()) {
    if (each.session != nullptr) static_cast<SendSession*>(each.session)->count(*each.connection);
  }
}

// What was under way when the window opened does not count.
void SendRun::on_window() {
  if (plan().backend) return;
  count_all();
  meter().bytes = 0;
}

void SendRun::on_window_over() {
  count_all();
  finish();
}

std::unique_ptr<Session> SendRun::session(std::size_t index) {
  return std::make_unique<SendSession>(*this, index);
}

ReceiveRun::ReceiveRun(const Tools& tools, const Plan& plan, Task done)
    : Run(tools, plan, std::move(done)), pieces_(pattern(), plan.size) {}

std::unique_ptr<Session> ReceiveRun::session(std::size_t index) {
  return std::make_unique<ReceiveSession>(*this, index);
}

std::size_t Sink::on_data(Connection& self, Bytes data) {
  const StreamChecker::Taken taken = checker_.take(data);
  if (taken.right) {
    if (!run_.finished()) run_.meter().bytes += taken.used;
    return taken.used;
  }
  if (!run_.finished()) {
    run_.meter().fail("wrong bytes arrived at the far side, near byte " +
                      std::to_string(self.bytes_in() - data.size()) + " of a connection");
  }
  self.abort();
  return data.size();
}

void Source::on_open(Connection& self) {
  sender_.begin(self);
  sender_.fill(self);
}

void Source::on_drain(Connection& self) {
  if (!run_.finished()) sender_.fill(self);
}

}  // namespace weir::load
