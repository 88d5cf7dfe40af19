#include "outcome.hpp"

#include <algorithm>

namespace weir::load {

const char* limit_name(Limit limit) {
  switch (limit) {
    case Limit::errors:
      return "errors";
    case Limit::generator:
      return "generator";
    case Limit::schedule:
      return "schedule";
    case Limit::drops:
      return "drops";
    case Limit::interrupted:
      return "interrupted";
    case Limit::none:
      break;
  }
  return nullptr;
}

namespace {

void add(Outcome& into, const Page& page, bool bulk) {
  const Meter& meter = page.meter;
  into.messages += meter.messages;
  into.bytes += meter.bytes;
  into.errors += meter.errors;
  into.dropped += meter.dropped;
  into.unanswered += meter.unanswered;
  into.connections += page.connections;
  into.abusers += meter.abusers;
  into.thrown_out += meter.thrown_out;
  into.not_let_in += meter.not_let_in;
  into.latency.merge(meter.latency);
  into.service.merge(meter.service);
  into.lag.merge(meter.lag);
  const double span = seconds(page.duration);
  into.duration = std::max(into.duration, span);
  if (span <= 0) return;
  into.rate += static_cast<double>(bulk ? meter.bytes : meter.messages) / span;
  into.generator_cpu = std::max(into.generator_cpu, seconds(page.cpu) / span);
  into.generator_waited = std::max(into.generator_waited, seconds(page.waited) / span);
}

}  // namespace

void merge(Outcome& into, std::span<const Page> pages, const Plan& plan) {
  const bool bulk = plan.scenario == Scenario::bulk;
  for (const Page& page : pages) {
    add(into, page, bulk);
    if (page.failed != 0 && into.failed == 0) {
      into.failed = page.failed;
      into.reason = page.reason.text();
    }
    if (into.reason.empty() && !page.reason.text().empty()) {
      into.reason = page.reason.text();
      into.limit = page.stop ? Limit::interrupted : Limit::errors;
    }
  }
  if (bulk) into.messages = into.bytes / plan.size;
}

}  // namespace weir::load
