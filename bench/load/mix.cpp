#include "mix.hpp"

#include <algorithm>

namespace weir::load {

namespace {

class MixSession final : public Session {
 public:
  MixSession(MixRun& run, std::size_t index)
      : Session(run, index), mix_(run), in_(run.pattern(), 0), out_(run.pattern(), 0) {}

  void begin(Connection& self) override { ask(self); }

  std::size_t on_data(Connection& self, Bytes data) override {
    if (data.size() > missing_) return wrong(self, data, "more came than was due");
    if (streaming_ && pieces_left_ > 0) {
      return wrong(self, data, "an answer came before the stream had been sent");
    }
    if (!in_.matches(data)) return wrong(self, data, "they are not what was sent");
    missing_ -= data.size();
    if (missing_ == 0 && pieces_left_ == 0) answered(self);
    return data.size();
  }

  void on_drain(Connection& self) override {
    if (streaming_) stream(self);
  }

 private:
  void ask(Connection& self) {
    missing_ = run().plan().size;
    asked_ = run().machine().now();
    out_.write(self, missing_);
  }

  void answered(Connection& self) {
    if (run().finished()) return;
    Meter& meter = run().meter();
    const Plan& plan = run().plan();
    if (streaming_) {
      meter.bytes += plan.bytes;
      streaming_ = false;
      asked_so_far_ = 0;
    } else {
      meter.bytes += plan.size;
      ++meter.messages;
      meter.latency.record(run().machine().now() - asked_);
      ++asked_so_far_;
    }
    if (asked_so_far_ < plan.chatter) return ask(self);
    begin_stream(self);
  }

  void begin_stream(Connection& self) {
    streaming_ = true;
    missing_ = run().plan().size;
    pieces_left_ = 1 + run().plan().bytes / mix_.pieces().piece().size();
    stream(self);
  }

  // Whole pieces, then the rest, which may be empty.
  void stream(Connection& self) {
    Flow flow = Flow::open;
    while (pieces_left_ > 0 && flow == Flow::open) {
      --pieces_left_;
      flow = self.write(pieces_left_ > 0 ? mix_.pieces().piece() : mix_.rest());
    }
    if (pieces_left_ == 0) out_ = PatternCursor(run().pattern(), mix_.rest().size());
  }

  MixRun& mix_;
  PatternCursor in_;
  PatternCursor out_;
  Nanos asked_ = 0;
  std::size_t missing_ = 0;      // Bytes of the reply.
  std::size_t pieces_left_ = 0;  // Of the stream.
  std::int64_t asked_so_far_ = 0;
  bool streaming_ = false;
};

Payload rest_of(const Plan& plan, const StreamPieces& pieces) {
  return Payload(pieces.piece().bytes().first(plan.bytes % pieces.piece().size()));
}

}  // namespace

MixRun::MixRun(const Tools& tools, const Plan& plan, Task done)
    : Run(tools, plan, std::move(done)),
      pieces_(pattern(), std::min<std::size_t>(plan.bytes, 256 << 10)),
      rest_(rest_of(plan, pieces_)) {}

std::unique_ptr<Session> MixRun::session(std::size_t index) {
  return std::make_unique<MixSession>(*this, index);
}

MixFarSide::MixFarSide(Run& run)
    : run_(run),
      in_(run.pattern(), 0),
      out_(run.pattern(), 0),
      missing_(run.plan().size),
      chatter_left_(run.plan().chatter) {}

std::size_t MixFarSide::on_data(Connection& self, Bytes data) {
  const Bytes due = data.first(std::min(data.size(), missing_));
  if (!in_.matches(due)) {
    if (!run_.finished()) run_.meter().fail("wrong bytes arrived at the far side");
    self.abort();
    return data.size();
  }
  missing_ -= due.size();
  if (missing_ > 0) return data.size();
  out_.write(self, run_.plan().size);
  next();
  if (due.size() < data.size()) {
    if (!run_.finished()) run_.meter().fail("more arrived at the far side than was due");
    self.abort();
  }
  return data.size();
}

// A stream begins where the pattern does; what follows it goes on from there.
void MixFarSide::next() {
  const Plan& plan = run_.plan();
  if (chatter_left_ == 0) {
    chatter_left_ = plan.chatter;
    missing_ = plan.size;
  } else if (--chatter_left_ > 0) {
    missing_ = plan.size;
  } else {
    missing_ = plan.bytes;
    in_ = PatternCursor(run_.pattern(), 0);
  }
}

}  // namespace weir::load
