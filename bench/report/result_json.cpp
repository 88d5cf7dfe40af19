#include "result_json.hpp"

#include <cmath>

namespace weir::load {

namespace {

using Json = nlohmann::ordered_json;

// Figures beyond four digits behind the point would only pretend.
double rounded(double value) { return std::round(value * 1e4) / 1e4; }

template <class T>
Json maybe(const std::optional<T>& value) {
  if (!value) return nullptr;
  if constexpr (std::is_floating_point_v<T>) return rounded(*value);
  return *value;
}

Json ratio(double amount, double of) { return of > 0 ? Json(rounded(amount / of)) : Json(nullptr); }

double micros(Nanos time) { return static_cast<double>(time) / 1e3; }

Json percentiles(const Histogram& of) {
  const auto at = [&of](double share) {
    return of.count() > 0 ? Json(rounded(micros(of.at(share)))) : Json(nullptr);
  };
  return {
      {"p50", at(0.5)}, {"p90", at(0.9)}, {"p99", at(0.99)}, {"p999", at(0.999)}, {"max", at(1)}};
}

Json open_loop(const Plan& plan, const Histogram& of) {
  return plan.scenario == Scenario::rate ? percentiles(of) : Json(nullptr);
}

// Five steps for each halving of what is left, as HdrHistogram prints it.
Json curve(const Histogram& latency) {
  Json steps = Json::array();
  if (latency.count() == 0) return steps;
  constexpr int per_halving = 5;
  constexpr double halvings = 20;  // To 99.9999 %.
  double last = -1;
  for (int i = 0; i <= per_halving * halvings; ++i) {
    const double whole = std::floor(i / static_cast<double>(per_halving));
    const double part = (i - whole * per_halving) / per_halving;
    const double left = std::pow(0.5, whole) * (1 - part / 2);
    const double us = rounded(micros(latency.at(1 - left)));
    const double count = (1 - left) * static_cast<double>(latency.count());
    if (us != last || i == 0) {
      steps.push_back({{"percentile", std::round((1 - left) * 1e8) / 1e6},
                       {"us", us},
                       {"count", static_cast<std::uint64_t>(std::ceil(count))}});
    }
    last = us;
    if (left * static_cast<double>(latency.count()) < 1) break;
  }
  steps.push_back(
      {{"percentile", 100.0}, {"us", rounded(micros(latency.max()))}, {"count", latency.count()}});
  return steps;
}

Json options_of(const Plan& plan) {
  const auto list = [](const std::vector<std::string>& names) {
    return names.empty() ? Json(nullptr) : Json(names.size());
  };
  const auto span = [](Millis time) { return rounded(static_cast<double>(time.count()) / 1e3); };
  Json options = {{"connections", plan.connections},
                  {"size", plan.size},
                  {"depth", plan.depth},
                  {"duration", span(plan.duration)},
                  {"warmup", span(plan.warmup)},
                  {"ramp", span(plan.ramp)},
                  {"agents", plan.agents},
                  {"cpu", plan.cpu < 0 ? Json(nullptr) : Json(plan.cpu)},
                  {"sources", list(plan.sources)},
                  {"targets", list(plan.targets)},
                  {"backend", plan.backend ? Json(plan.backend->text()) : Json(nullptr)}};
  if (plan.scenario == Scenario::rate) {
    options["rate"] = plan.rate;
    options["gaps"] = plan.gaps;
  }
  if (plan.scenario == Scenario::bulk) options["way"] = plan.way;
  if (plan.scenario == Scenario::idle || plan.abuses()) options["active"] = plan.active;
  if (plan.scenario == Scenario::handshake) options["resumed"] = plan.resumed;
  if (plan.scenario == Scenario::churn) options["reset"] = plan.reset;
  if (plan.scenario == Scenario::mix) {
    options["bytes"] = plan.bytes;
    options["chatter"] = plan.chatter;
  }
  if (plan.scenario == Scenario::fanout) {
    options["rooms"] = plan.rooms;
    options["senders"] = plan.senders;
    options["stalled"] = plan.stalled;
  }
  if (!plan.send.empty()) options["send_bytes"] = plan.send.size();
  return options;
}

Json per_connection(const std::optional<std::int64_t>& growth, std::uint64_t connections) {
  if (!growth) return nullptr;
  return ratio(static_cast<double>(*growth), static_cast<double>(connections));
}

Json server_of(const Outcome& outcome) {
  if (!outcome.server) return nullptr;
  const ServerFigures& server = *outcome.server;
  constexpr double gib = 1 << 30;
  const double cpu = server.cpu_share.value_or(0) * outcome.duration;
  const auto per = [&](double amount, double scale) {
    return server.cpu_share ? ratio(cpu * scale, amount) : Json(nullptr);
  };
  return {
      {"pids", server.pids},
      {"cpu_share", maybe(server.cpu_share)},
      {"busiest_thread_share", maybe(server.busiest_share)},
      {"cpu_us_per_message", per(static_cast<double>(outcome.messages), 1e6)},
      {"cpu_s_per_gib", per(static_cast<double>(outcome.bytes) / gib, 1)},
      {"bytes_per_connection", per_connection(server.growth, outcome.connections)},
      {"bytes_per_connection_touched", per_connection(server.growth_touched, outcome.connections)}};
}

Json timeline(const Outcome& outcome) {
  Json rows = Json::array();
  for (const Second& each : outcome.seconds) {
    rows.push_back({{"at_s", rounded(each.at)},
                    {"span_s", rounded(each.span)},
                    {"rate", rounded(each.rate)},
                    {"p50_us", maybe(each.p50)},
                    {"p90_us", maybe(each.p90)},
                    {"p99_us", maybe(each.p99)},
                    {"max_us", maybe(each.most)},
                    {"connections", each.connections},
                    {"errors", each.errors},
                    {"generator_cpu_share", maybe(each.generator_cpu)},
                    {"server_cpu_share", maybe(each.server_cpu)},
                    {"server_memory_bytes", maybe(each.server_memory)}});
  }
  return rows;
}

Json thresholds(const Record& record) {
  Json rows = Json::array();
  for (const Threshold& each : record.thresholds) {
    rows.push_back({{"text", each.text},
                    {"figure", maybe(figure_of(each, record.outcome))},
                    {"holds", holds(each, record.outcome)}});
  }
  return rows;
}

Json find_max_of(const FoundMax* found) {
  if (found == nullptr) return nullptr;
  Json trials = Json::array();
  for (const Trial& each : found->trials) {
    trials.push_back({{"at", each.at},
                      {"figure", maybe(each.figure)},
                      {"holds", each.holds},
                      {"reason", each.reason}});
  }
  return {{"threshold", found->threshold.text}, {"of", found->of_rate ? "rate" : "connections"},
          {"best", maybe(found->best)},         {"limited_by", found->limited_by},
          {"confirmed", found->confirmed},      {"trials", trials}};
}

Json abuse_of(const Record& record) {
  if (!record.plan.abuses()) return nullptr;
  const Outcome& outcome = record.outcome;
  return {{"clients_at_the_end", outcome.abusers},
          {"thrown_out", outcome.thrown_out},
          {"not_let_in", outcome.not_let_in}};
}

Json environment_of(const Environment& where) {
  return {{"system", where.system},
          {"kernel", where.kernel},
          {"cpu", where.cpu},
          {"cpus", where.cpus},
          {"memory_bytes", where.memory},
          {"descriptors", where.descriptors},
          {"load_average", where.load_average}};
}

}  // namespace

Json result_json(const Record& record) {
  const Outcome& outcome = record.outcome;
  const char* const limit = limit_name(outcome.limit);
  return {{"format", 1},
          {"weir", record.version},
          {"started", record.started},
          {"command", record.command},
          {"scenario", info(record.plan.scenario).name},
          {"target", record.plan.target.text()},
          {"options", options_of(record.plan)},
          {"notes", record.notes},
          {"connections", outcome.connections},
          {"duration_s", rounded(outcome.duration)},
          {"messages", outcome.messages},
          {"bytes", outcome.bytes},
          {"rate", outcome.duration > 0 ? Json(rounded(outcome.rate)) : Json(nullptr)},
          {"errors", outcome.errors},
          {"dropped", outcome.dropped},
          {"unanswered", outcome.unanswered},
          {"latency_us", percentiles(outcome.latency)},
          {"service_us", open_loop(record.plan, outcome.service)},
          {"lag_us", open_loop(record.plan, outcome.lag)},
          {"valid", outcome.reason.empty()},
          {"reason", outcome.reason},
          {"limited_by", limit == nullptr ? Json(nullptr) : Json(limit)},
          {"thresholds", thresholds(record)},
          {"find_max", find_max_of(record.found)},
          {"generator",
           {{"agents", record.plan.agents},
            {"cpu_share", rounded(outcome.generator_cpu)},
            {"waited_share", rounded(outcome.generator_waited)}}},
          {"server", server_of(outcome)},
          {"abuse", abuse_of(record)},
          {"timeline", timeline(outcome)},
          {"percentiles", curve(outcome.latency)},
          {"environment", environment_of(record.where)}};
}

}  // namespace weir::load
