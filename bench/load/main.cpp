// The `weir-load` program: one run against one target.
#include <csignal>
#include <cstdio>

#include <weir/server.hpp>
#include <weir/text.hpp>

#include "command_line.hpp"
#include "far_side.hpp"
#include "report.hpp"

namespace weir::load {
namespace {

constexpr Millis kClosing{3'000};  // For all connections together, at the end.

Exit exit_for(SetupError::Kind kind) {
  switch (kind) {
    case SetupError::Kind::usage:
      return kUsage;
    case SetupError::Kind::unresolved:
      return kUnresolved;
    case SetupError::Kind::unavailable:
      return kUnavailable;
    case SetupError::Kind::permission:
      return kPermission;
    case SetupError::Kind::creation:
    case SetupError::Kind::system:
      return kSystem;
  }
  return kInternal;
}

Exit exit_for(const CloseReason& reason) {
  using Code = CloseReason::Code;
  if (reason.error == EACCES || reason.error == EPERM) return kPermission;
  switch (reason.code) {
    case Code::unresolved:
      return kUnresolved;
    case Code::connect_timeout:
      return kTimeout;
    case Code::no_local_port:
    case Code::limit:
      return kSystem;
    default:
      return kUnavailable;
  }
}

Exit run(const Plan& plan) {
  if (plan.cpu >= 0) pin_to_cpu(static_cast<int>(plan.cpu));
  SystemMachine machine(plan.server_pids);
  ServerOptions options;
  options.signals = false;  // Ctrl-C ends it at once.
  options.level = Level::error;
  options.drain = kClosing;
  Run* running = nullptr;
  options.on_ready = [&running] { running->start(); };
  Server server(std::move(options));
  const auto run = make_run(server.loop(), plan, machine, [&server] { server.stop(); });
  running = run.get();
  if (plan.backend) {
    server.add(far_side_type(*run));
    const Timeouts none{.first_byte = Millis{0},
                        .unfinished = Millis{0},
                        .idle = Millis{0},
                        .write_stall = Millis{0},
                        .half_closed = Millis{0}};
    server.listen({.at = {*plan.backend}, .speak = "far-side", .timeouts = none});
  }
  server.run();
  if (const auto& unreachable = run->unreachable()) {
    return fail(exit_for(*unreachable),
                "cannot connect to " + escape(plan.target.text()) + ": " + unreachable->text());
  }
  std::puts(report(*run, plan).c_str());
  if (std::fflush(stdout) != 0) return fail(kSystem, "cannot write standard output");
  const std::string& reason = run->result().reason;
  return reason.empty() ? kDone : fail(kInvalid, "the figures are not valid: " + reason);
}

}  // namespace
}  // namespace weir::load

int main(int argc, char** argv) {
  using namespace weir;
  using namespace weir::load;
  std::signal(SIGPIPE, SIG_IGN);
  try {
    Plan plan;
    if (const auto code = read_command_line(argc, argv, plan)) return *code;
    return run(plan);
  } catch (const SetupError& error) {
    return fail(exit_for(error.kind()), error.what());
  } catch (const std::exception& error) {
    return fail(kInternal, "internal error: " + escape(error.what()));
  }
}
