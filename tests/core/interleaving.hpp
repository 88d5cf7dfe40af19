// A machine that does whatever dice say: every verb of connections, peers and loops, in and out of
// every callback, with faults. It checks the rules as it goes. The dice are a seed, or a fuzzer's bytes.
#pragma once

#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <weir/testing.hpp>

#include "interleaving_model.hpp"

namespace weir::interleaving {

class Machine {
 public:
  explicit Machine(Dice& dice, bool trace = false) : dice_(dice), trace_(trace) {}

  // The first rule that was broken, with where; empty if none was.
  std::string run() {
    current = this;
    begin();
    const std::size_t steps = 10 + dice_.roll(50);
    for (std::size_t i = 0; i < steps && wrong_.empty() && !dice_.over(); ++i) step();
    if (wrong_.empty()) finish();
    timers_ = {};
    log_ = net_->log();
    over_ = true;
    net_.reset();
    for (const auto& model : models_) {
      if (model->closes != 1) broken("on_close came " + std::to_string(model->closes) + " times");
      if (model->handlers != 0) broken("a handler outlived its connection");
    }
    current = nullptr;
    return wrong_;
  }

  std::uint64_t callbacks() const { return callbacks_; }
  const std::vector<std::string>& log() const { return log_; }

 private:
  friend class Probe;
  friend class ProbeService;
  friend struct Inside;

  struct Line {  // A peer and what it has sent.
    testing::Peer* peer;
    std::string sent;
    bool rough = false;
    bool ended = false;
    bool stalled = false;
    std::size_t room = 1;
  };

  // Counts the callbacks and tasks on the stack: a second one means that a verb called a handler.
  struct Inside {
    explicit Inside(Machine& machine) : machine_(machine) {
      ++machine.callbacks_;
      if (machine.depth_++ > 0) machine.broken("R1: a callback inside another");
    }
    ~Inside() { --machine_.depth_; }
    Machine& machine_;
  };

  class ProbeProtocol final : public Protocol {
   public:
    std::unique_ptr<Service> open(Loop& loop) override {
      current->loops_[next_] = &loop;
      return std::make_unique<ProbeService>(*current, next_++);
    }

   private:
    std::size_t next_ = 0;
  };

  static constexpr ServiceType kProbe = protocol_type<ProbeProtocol>("probe", "Is tested.");
  static inline thread_local Machine* current = nullptr;

  void broken(std::string what) {
    if (wrong_.empty()) wrong_ = std::move(what);
  }
  void require(bool holds, const char* what) {
    if (!holds) broken(what);
  }

  void begin() {
    testing::NetOptions options;
    options.seed = dice_.roll(1 << 16);
    options.loops = 2;
    options.automatic = false;
    options.unix_sockets = dice_.one_in(4);
    options.level = trace_ ? Level::trace : Level::error;
    options.trace = trace_;
    options.limits = {1'024, 256, 2'500, 600};
    options.timeouts = {Millis{0},     Millis{3'000}, Millis{10'000}, Millis{2'000},
                        Millis{2'500}, Millis{500},   Millis{4'000}};
    if (dice_.one_in(4)) options.timeouts.first_byte = Millis{700};
    if (!dice_.one_in(3)) options.faults = faults();
    faults_ = options.faults;
    limits_ = options.limits;
    net_.emplace(options);
    first_ = &net_->open(kProbe);
    second_ = &net_->on_loop(*first_, 1);
    net_->listen(*first_, "tcp://10.0.0.1:1");
    place_ = &net_->place("tcp://10.0.0.2:2");
    net_->name("both.test", {"10.0.0.3", "10.0.0.2"}, Millis{dice_.roll(20)});
  }

  testing::Faults faults() {
    testing::Faults faults;
    for (unsigned* const chance :
         {&faults.short_receive, &faults.short_send, &faults.again, &faults.spurious, &faults.late,
          &faults.accept, &faults.dial, &faults.hang, &faults.resolve}) {
      if (dice_.one_in(2)) *chance = static_cast<unsigned>(dice_.roll(300));
    }
    if (dice_.one_in(4)) faults.broken = static_cast<unsigned>(dice_.roll(40));
    faults.any_order = dice_.one_in(2);
    return faults;
  }

  void step() {
    switch (dice_.roll(14)) {
      case 0:
      case 1:
        if (lines_.size() < 5) connect();
        break;
      case 2:
      case 3:
      case 4:
      case 5:
        peer_event();
        break;
      case 6:
        net_->advance(Millis{dice_.one_in(4) ? dice_.roll(4'000) : dice_.roll(30)});
        look();
        break;
      case 7:
        net_->run();
        look();
        quiet();
        break;
      case 8:
        move();
        break;
      case 9: {
        Inside inside(*this);  // Between two turns is like in a task.
        outside_ = true;
        act(dice_.roll(2), nullptr);
        outside_ = false;
        break;
      }
      default:
        net_->turn(dice_.roll(2));
        look();
    }
  }

  void connect() {
    testing::Peer& peer = dice_.one_in(3) ? net_->dial("tcp://10.0.0.1:1")
                                          : net_->connect(dice_.one_in(2) ? *first_ : *second_);
    Line& line = adopt(peer);
    if (dice_.one_in(3)) peer.room(line.room = dice_.roll(2'000));
    if (dice_.one_in(4)) {
      line.stalled = true;
      peer.stall();
    }
  }

  Line& adopt(testing::Peer& peer) {
    lines_.push_back(std::make_unique<Line>(Line{&peer, {}}));
    return *lines_.back();
  }

  void peer_event() {
    if (lines_.empty()) return;
    Line& line = *lines_[dice_.roll(lines_.size())];
    switch (dice_.roll(12)) {
      case 0:
        line.ended = true;
        return line.peer->end();
      case 1:
        line.stalled = true;
        return line.peer->stall();
      case 2:
      case 3:
        line.stalled = false;
        return line.peer->unstall();
      case 4:
        return line.peer->room(line.room = dice_.one_in(4) ? 0 : dice_.roll(3'000));
      case 5:
        if (dice_.one_in(3)) return rough(line, dice_.roll(3));
        return;
      default:
        return send(line);
    }
  }

  void send(Line& line) {
    if (line.ended || line.rough) return;
    std::string text(1 + dice_.roll(dice_.one_in(4) ? 900 : 40), '\0');
    for (char& c : text) c = static_cast<char>('a' + dice_.roll(2) * 3 + text.size() % 20);
    line.sent += text;
    line.peer->send(text, dice_.one_in(2) ? testing::Peer::kWhole : 1 + dice_.roll(50));
  }

  void rough(Line& line, std::size_t how) {
    line.rough = true;
    if (how == 0) line.peer->reset();
    if (how == 1) line.peer->close();
    if (how == 2) line.peer->cut(ETIMEDOUT);
  }

  void move() {
    if (lines_.empty()) return;
    Line& line = *lines_[dice_.roll(lines_.size())];
    net_->move(*line.peer, dice_.one_in(2) ? *first_ : *second_);
    look();
  }

  // One of everything that may be done on a loop's thread. `self` may throw, others' may not.
  void act(std::size_t loop, Model* self) {
    if (over_) return;
    const std::size_t actions = dice_.roll(3);
    for (std::size_t i = 0; i < actions; ++i) {
      Model* const model = self != nullptr && !dice_.one_in(3) ? self : any(loop);
      switch (dice_.roll(12)) {
        case 0:
          loop_post(loop);
          break;
        case 1:
          timer(loop);
          break;
        case 2:
          if (models_.size() < 12 && !stopping_) dial(loop);
          break;
        default:
          if (model != nullptr) verb(*model);
      }
    }
    if (self != nullptr && dice_.one_in(40)) {
      if (!self->aborted) self->threw = true;
      self->closing = true;
      throw std::runtime_error("told to");
    }
  }

  Model* any(std::size_t loop) {
    std::vector<Model*>& live = live_[loop];
    return live.empty() ? nullptr : live[dice_.roll(live.size())];
  }

  void verb(Model& model) {
    Connection& connection = *model.connection;
    require(!model.closing || connection.closing(), "R2: closing() after close() or abort()");
    switch (dice_.roll(16)) {
      case 0:
        model.ending = true;
        return connection.end();
      case 1:
        if (!model.opened && !model.closing) model.unmade = true;
        model.closing = true;
        return connection.close();
      case 2:
        if (!dice_.one_in(3)) return;
        if (!connection.closing()) model.aborted = true;
        model.closing = true;
        return connection.abort();
      case 3:
        model.paused = true;
        return connection.pause();
      case 4:
      case 5:
        if (model.paused && !model.closing && model.unused > 0) model.resumed = true;
        model.paused = false;
        return connection.resume();
      case 6:
        model.hold = dice_.one_in(2);
        model.drained |= !model.hold && model.full;
        return connection.hold_reads_when_full(model.hold);
      case 7:
        return connection.set_idle(Millis{1 + dice_.roll(2'000)});
      case 8:
        return post_to(model);
      case 9:
        return write(model, Payload(text()));
      default:
        return write(model, text());
    }
  }

  std::string text() {
    std::string text(dice_.one_in(6) ? dice_.roll(3'000) : dice_.roll(60), 'x');
    for (std::size_t i = 0; i < text.size(); i += 5)
      text[i] = static_cast<char>('A' + ++letter_ % 26);
    return text;
  }

  template <class What>
  void write(Model& model, const What& what) {
    Connection& connection = *model.connection;
    const bool dropped = model.closing || model.ending || connection.closing();
    const std::size_t before = connection.pending();
    const Flow flow = connection.write(what);
    if (dropped) {
      require(flow == Flow::open && connection.pending() == before, "R2: a write after the end");
      return;
    }
    model.written += text_of(what);
    model.write_turn = turn(model);
    if (flow == Flow::full) {
      if (!model.full || before <= limits_.write_low) model.full_turn = turn(model);
      model.full = true;
    }
    require(flow == Flow::full || connection.pending() <= limits_.write_high,
            "flow: open above the high mark");
  }

  // The turn that what is done belongs to: between two turns, the next one.
  std::uint64_t turn(const Model& model) const {
    return over_ ? 0 : net_->turns(model.loop) + (outside_ ? 1 : 0);
  }

  static std::string_view text_of(const std::string& text) { return text; }
  static std::string_view text_of(const Payload& payload) { return as_text(payload.bytes()); }
  static std::string_view text_of(Bytes bytes) { return as_text(bytes); }

  void post_to(Model& model) {
    model.connection->ref().post([this, &model](Connection& self) {
      Inside inside(*this);
      require(&self == model.connection && !model.closing, "a post to a closed connection ran");
      act(model.loop, &model);
    });
  }

  void loop_post(std::size_t loop) {
    net_->loop(loop).post([this, loop] {
      Inside inside(*this);
      act(loop, nullptr);
      if (dice_.one_in(30)) throw std::runtime_error("told to");
    });
  }

  void timer(std::size_t loop) {
    const std::size_t slot = dice_.roll(timers_.size());
    const SteadyTime due = net_->loop(loop).now() + Millis{dice_.roll(60)};
    timers_[slot] = net_->loop(loop).after(due - net_->loop(loop).now(), [this, loop, due] {
      Inside inside(*this);
      require(net_->loop(loop).now() >= due, "a timer fired early");
      act(loop, nullptr);
    });
  }

  void dial(std::size_t loop) {
    constexpr const char* kTargets[] = {"tcp://10.0.0.1:1", "tcp://10.0.0.2:2", "both.test:2",
                                        "nowhere.test:3", "10.9.9.9:9"};
    Model& model = add();
    model.loop = loop;
    ConnectOptions options{Url::parse(kTargets[dice_.roll(5)]), Millis{1 + dice_.roll(300)}};
    Connection& made = loops_[loop]->connect(options, std::make_unique<Probe>(*this, model));
    model.id = made.id();
    live(model, made);
  }

  Model& add() {
    models_.push_back(std::make_unique<Model>());
    return *models_.back();
  }

  Model* find(std::uint64_t id) {
    for (const auto& model : models_) {
      if (model->id == id) return model.get();
    }
    return nullptr;
  }

  void live(Model& model, Connection& connection) {
    model.connection = &connection;
    live_[model.loop].push_back(&model);
    for (const auto& line : lines_) {
      if (line->peer->connection() != &connection) continue;
      model.peer = line->peer;
      model.sent = &line->sent;
    }
  }

  void not_live(Model& model) {
    std::erase(live_[model.loop], &model);
    model.connection = nullptr;
  }

  const Line* line_of(const Model& model) const {
    for (const auto& line : lines_) {
      if (line->peer == model.peer) return line.get();
    }
    return nullptr;
  }

  // After every turn: what peers got is a prefix of what was written, and the cap holds.
  void look() {
    while (testing::Peer* const peer = place_->next()) {
      Line& line = adopt(*peer);
      for (const auto& model : models_) {
        if (model->connection == nullptr || model->connection != peer->connection()) continue;
        model->peer = peer;
        model->sent = &line.sent;
      }
    }
    for (const auto& model : models_) {
      if (model->peer == nullptr) continue;
      const std::string got = model->peer->take();
      require(model->written.compare(model->read_back, got.size(), got) == 0,
              "bytes arrived that were not written, or out of order");
      model->read_back += got.size();
    }
    for (const auto& model : models_) {
      const Connection* const connection = model->connection;
      if (connection == nullptr || connection->closing() || !model->full) continue;
      const bool wrote = model->write_turn == net_->turns(model->loop);
      require(!wrote || model->full_turn == model->write_turn ||
                  connection->pending() <= limits_.write_max,
              "R8: written to in spite of Flow::full, and above the cap");
    }
  }

  // When nothing is left to do, nothing may have been forgotten.
  void quiet() {
    for (const auto& model : models_) {
      if (model->connection == nullptr || model->connection->closing()) continue;
      const Line* const line = line_of(*model);
      if (line == nullptr || line->rough || !model->opened) continue;
      if (faults_.broken != 0) continue;
      const std::size_t pending = model->connection->pending();
      require(!model->full || model->ending || pending > limits_.write_low,
              "R9: on_drain did not come");
      require(pending == 0 || line->stalled || line->room == 0, "output was forgotten");
      if (model->paused || (model->hold && model->full)) continue;
      require(!model->resumed, "R9: unused bytes did not come again after resume()");
      require(model->consumed + model->unused == line->sent.size(), "input was forgotten");
      require(model->eof == line->ended, "EOF was forgotten");
    }
  }

  // Every end is orderly from here on; the clock alone brings the rest to its end.
  void finish() {
    const bool stop = dice_.one_in(3);
    stopping_ = stop;
    if (stop) net_->stop(Millis{dice_.roll(10'000)});
    for (const auto& line : lines_) {
      line->peer->room(line->room = 64 << 10);
      line->stalled = false;
      line->peer->unstall();
      line->ended = true;
      line->peer->end();
    }
    net_->run();
    look();
    if (!stop) quiet();
    calm_ = true;
    net_->advance(Millis{60'000});
    look();
    if (stop) require(net_->stopped(), "the drain deadline passed and connections are left");
    for (const auto& model : models_) {
      if (!model->reason || model->reason->code != CloseReason::Code::ended) continue;
      const Line* const line = line_of(*model);
      if (line == nullptr || line->rough || faults_.broken != 0) continue;
      require(model->read_back == model->written.size(), "an orderly end lost output");
    }
  }

  Dice& dice_;
  const bool trace_;
  std::vector<std::string> log_;
  testing::Faults faults_;
  Limits limits_;
  std::string wrong_;
  std::vector<std::unique_ptr<Model>> models_;
  std::array<std::vector<Model*>, 2> live_;
  std::vector<std::unique_ptr<Line>> lines_;
  std::array<Timer, 4> timers_;
  std::array<Loop*, 2> loops_{};  // The services' own.
  std::optional<testing::Net> net_;
  Service* first_ = nullptr;
  Service* second_ = nullptr;
  testing::Place* place_ = nullptr;
  std::uint64_t callbacks_ = 0;
  std::uint64_t letter_ = 0;
  int depth_ = 0;
  bool calm_ = false;      // Nothing is done of one's own accord any more.
  bool outside_ = false;   // Acting between two turns.
  bool stopping_ = false;  // The services may be gone.
  bool over_ = false;      // The net is going.
};

}  // namespace weir::interleaving

#include "interleaving_probe.hpp"
