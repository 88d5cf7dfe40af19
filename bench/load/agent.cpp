#include "agent.hpp"

#include <unistd.h>
#include <csignal>

#include <weir/server.hpp>
#include <weir/text.hpp>

#include "exits.hpp"
#include "far_side.hpp"

namespace weir::load {

namespace {

constexpr Millis kClosing{3'000};  // For all connections together, at the end.
constexpr Millis kBeat{5};         // Between two looks at the page.

class PageGate final : public Gate {
 public:
  PageGate(Loop& loop, Page& page) : loop_(loop), page_(page) {}

  void arrive(Task go) override {
    go_ = std::move(go);
    ++page_.arrived;
    look();
  }
  void window(bool open) override { open ? ++page_.opened : ++page_.closed; }

 private:
  void look() {
    if (page_.may_pass.load() >= page_.arrived.load()) {
      if (Task go = std::move(go_)) go();
      return;
    }
    timer_ = loop_.after(Millis{1}, [this] { look(); });
  }

  Loop& loop_;
  Page& page_;
  Task go_;
  Timer timer_;
};

class Agent {
 public:
  Agent(const Plan& plan, Page& page)
      : plan_(plan),
        page_(page),
        server_(options()),
        gate_(server_.loop(), page),
        run_(make_run({server_.loop(), machine_, page.meter, gate_}, plan, [this] { done(); })) {}

  void serve() {
    if (const auto& far = plan_.backend) listen(*far);
    server_.run();
  }

 private:
  ServerOptions options() {
    ServerOptions options;
    options.signals = false;
    options.level = Level::error;
    options.drain = kClosing;
    options.on_ready = [this] {
      beat();
      gate_.arrive([this] { run_->start(); });
    };
    return options;
  }

  void listen(const Url& far) {
    server_.add(far_side_type(*run_));
    const Timeouts none{.first_byte = Millis{0},
                        .unfinished = Millis{0},
                        .idle = Millis{0},
                        .write_stall = Millis{0},
                        .half_closed = Millis{0}};
    server_.listen({.at = {far}, .speak = "far-side", .timeouts = none});
  }

  // Without its conductor an agent is of no use.
  void beat() {
    page_.own_cpu = machine_.own_cpu();
    if (page_.stop && !run_->finished()) run_->interrupt("it was interrupted");
    if (page_.leave || ::getppid() != parent_) return server_.stop();
    timer_ = server_.loop().after(kBeat, [this] { beat(); });
  }

  void done() {
    const Result& result = run_->result();
    page_.duration = result.duration;
    page_.cpu = result.own_cpu;
    page_.waited = result.waited;
    page_.connections = result.connections;
    page_.reason.set(result.reason);
    if (const auto& unreachable = run_->unreachable()) {
      page_.failed = exit_for(*unreachable);
      page_.reason.set("cannot connect to " + escape(plan_.target.text()) + ": " +
                       unreachable->text());
    }
    page_.finished = true;
  }

  const Plan& plan_;
  Page& page_;
  const pid_t parent_ = ::getppid();
  SystemMachine machine_;
  Server server_;
  PageGate gate_;
  std::unique_ptr<Run> run_;
  Timer timer_;
};

int fail(Page& page, int status, const std::string& sentence) {
  page.failed = status;
  page.reason.set(sentence);
  page.finished = true;
  return status;
}

}  // namespace

int run_agent(const Plan& share, Page& page) {
  std::signal(SIGINT, SIG_IGN);  // Is for the conductor to answer.
  try {
    Agent agent(share, page);
    agent.serve();
    return 0;
  } catch (const SetupError& error) {
    return fail(page, exit_for(error.kind()), error.what());
  } catch (const std::exception& error) {
    return fail(page, kInternalFault, "internal error: " + escape(error.what()));
  }
}

}  // namespace weir::load
