// The closing matrix: every verb that ends a connection, in every callback, with and without pending
// output, in every world.
#include <catch2/catch.hpp>

#include "worlds.hpp"

using namespace weir;
using namespace weir::worlds;

namespace {

enum class Verb { end, close, abort, raise };
enum class Where {
  accept,
  on_open,
  on_data,
  on_drain,
  on_eof,
  on_idle,
  on_stop,
  timer,
  post,
  other
};

constexpr Verb kVerbs[] = {Verb::end, Verb::close, Verb::abort, Verb::raise};
constexpr const char* kVerbNames[] = {"end", "close", "abort", "throw"};
constexpr Where kWheres[] = {Where::accept, Where::on_open, Where::on_data, Where::on_drain,
                             Where::on_eof, Where::on_idle, Where::on_stop, Where::timer,
                             Where::post,   Where::other};
constexpr const char* kWhereNames[] = {
    "accept",  "on_open", "on_data", "on_drain",      "on_eof",
    "on_idle", "on_stop", "a timer", "a posted task", "another connection's on_data"};

// More than the kernel takes while the client does not read.
constexpr std::size_t kPending = 8 << 20;

struct Stage {
  Verb verb = Verb::end;
  Where where = Where::accept;
  bool pending = false;
  Signal signal;

  // On the loop's thread only.
  Connection* subject = nullptr;
  Loop* loop = nullptr;
  Timer timer;

  // Guarded by the signal.
  bool opened = false;
  bool acted = false;
  int accepted = 0;
  int closes = 0;
  int late = 0;      // Callbacks after on_close, or after close() and abort().
  int handlers = 0;  // Alive.
  bool silent = false;
  std::size_t written = 0;
  CloseReason reason;
  bool other_threw = false;

  // What a timer or another connection throws is not the subject's affair.
  bool refused() const { return where == Where::accept && verb == Verb::raise; }
  bool survives() const {
    return verb == Verb::raise && (where == Where::timer || where == Where::other);
  }

  void write(Connection& to, std::size_t size) {
    to.write(std::string(size, 'p'));
    signal.change([&] { written += size; });
  }

  // Where it is told to, the one thing that is told.
  void act(Where here) {
    if (here != where || acted) return;
    if (pending) write(*subject, kPending);
    signal.change([&] {
      acted = true;
      silent = verb != Verb::end && !survives();
    });
    if (verb == Verb::end) subject->end();
    if (verb == Verb::close) subject->close();
    if (verb == Verb::abort) subject->abort();
    if (verb == Verb::raise) throw std::runtime_error("told to");
  }
};

Stage* stage = nullptr;

class Subject final : public Handler {
 public:
  Subject() {
    stage->signal.change([] { ++stage->handlers; });
  }
  ~Subject() override {
    stage->signal.change([] { --stage->handlers; });
  }

  void on_open(Connection& self) override {
    called();
    if (stage->where == Where::on_drain) stage->write(self, kPending);
    if (stage->where == Where::on_idle) self.set_idle(Millis{20});
    if (stage->where == Where::timer) {
      stage->timer = stage->loop->after(Millis{1}, [] { stage->act(Where::timer); });
    }
    if (stage->where == Where::post) self.ref().post([](Connection&) { stage->act(Where::post); });
    stage->signal.change([] { stage->opened = true; });
    stage->act(Where::on_open);
  }
  std::size_t on_data(Connection&, Bytes data) override {
    called();
    stage->act(Where::on_data);
    return data.size();
  }
  void on_eof(Connection& self, Bytes) override {
    called();
    stage->act(Where::on_eof);
    self.end();
  }
  void on_drain(Connection&) override {
    called();
    stage->act(Where::on_drain);
  }
  void on_idle(Connection&) override {
    called();
    stage->act(Where::on_idle);
  }
  void on_stop(Connection& self) override {
    called();
    stage->act(Where::on_stop);
    if (stage->where != Where::on_stop) self.close();
  }
  void on_close(Connection&, const CloseReason& reason) override {
    stage->signal.change([&] {
      ++stage->closes;
      stage->reason = reason;
      stage->silent = true;
    });
  }

 private:
  void called() {
    stage->signal.change([] { stage->late += stage->silent ? 1 : 0; });
  }
};

class Other final : public Handler {
 public:
  std::size_t on_data(Connection&, Bytes data) override {
    stage->act(Where::other);
    return data.size();
  }
  void on_close(Connection&, const CloseReason& reason) override {
    stage->signal.change(
        [&] { stage->other_threw = reason.code == CloseReason::Code::handler_threw; });
  }
};

class StageService final : public Service {
 public:
  explicit StageService(Loop& loop) { stage->loop = &loop; }
  ~StageService() override { stage->timer.cancel(); }

  std::unique_ptr<Handler> accept(Connection& self) override {
    bool first = false;
    stage->signal.change([&] { first = stage->accepted++ == 0; });
    if (!first) return std::make_unique<Other>();
    stage->subject = &self;
    stage->act(Where::accept);
    return std::make_unique<Subject>();
  }
};

constexpr ServiceType kStage = service_type<StageService>("stage", "Plays one case.");

CloseReason::Code expected(const Stage& played) {
  if (played.verb == Verb::end || played.survives()) return CloseReason::Code::ended;
  if (played.verb == Verb::raise) return CloseReason::Code::handler_threw;
  if (played.where == Where::on_idle) return CloseReason::Code::idle;
  if (played.where == Where::on_stop) return CloseReason::Code::stopping;
  return played.verb == Verb::abort ? CloseReason::Code::reset : CloseReason::Code::ended;
}

void play(Kind kind, Verb verb, Where where, bool pending) {
  Stage playing;
  playing.verb = verb;
  playing.where = where;
  playing.pending = pending;
  stage = &playing;
  Limits limits;
  limits.write_low = 0;
  limits.write_max = 4 * kPending;
  const std::unique_ptr<World> world = make(kind, kStage, limits, playing.signal);

  Client& client = world->connect();
  if (where != Where::accept) REQUIRE(world->wait([&] { return playing.opened; }));
  if (where == Where::on_data) client.send("go");
  if (where == Where::on_eof) client.end();
  if (where == Where::on_stop) world->stop();
  Client* const other = where == Where::other ? &world->connect() : nullptr;
  if (other != nullptr) other->send("go");
  if (where != Where::on_drain) REQUIRE(world->wait([&] { return playing.acted; }));
  if (playing.survives()) client.end();
  const std::string text = client.read();
  client.close();
  if (other != nullptr) other->close();
  const bool refused = playing.refused();
  if (!refused) CHECK(world->wait([&] { return playing.closes > 0; }));
  CHECK(world->over());

  CHECK(playing.acted);
  CHECK(playing.closes == (refused ? 0 : 1));
  CHECK(playing.late == 0);
  CHECK(playing.handlers == 0);
  if (!refused) CHECK(name(playing.reason.code) == name(expected(playing)));
  CHECK(text.find_first_not_of('p') == std::string::npos);
  CHECK(playing.other_threw == (where == Where::other && verb == Verb::raise));
  if (verb == Verb::end || verb == Verb::close || playing.survives()) {
    CHECK(text.size() == playing.written);
    CHECK_FALSE(client.was_reset());
  } else if (!is_unix(kind)) {
    CHECK(client.was_reset());
  }
}

void play_all(Kind kind) {
  int played = 0;
  for (const Where where : kWheres) {
    for (const Verb verb : kVerbs) {
      for (const bool pending : {false, true}) {
        INFO(name(kind) << ": " << kVerbNames[static_cast<int>(verb)] << " in "
                        << kWhereNames[static_cast<int>(where)]
                        << (pending ? ", output pending" : ", output empty"));
        play(kind, verb, where, pending);
        ++played;
      }
    }
  }
  CHECK(played == 80);
}

}  // namespace

TEST_CASE("closing matrix: one on_close, the right reason, nothing after it: simulated tcp") {
  play_all(Kind::simulated);
}

TEST_CASE("closing matrix: one on_close, the right reason, nothing after it: simulated unix") {
  play_all(Kind::simulated_unix);
}

TEST_CASE("closing matrix: one on_close, the right reason, nothing after it: tcp", "[loops]") {
  play_all(Kind::tcp);
}

TEST_CASE("closing matrix: one on_close, the right reason, nothing after it: unix", "[loops]") {
  play_all(Kind::unix_stream);
}
