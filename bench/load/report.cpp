#include "report.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

namespace weir::load {

namespace {

using Json = nlohmann::ordered_json;

// Figures beyond four digits behind the point would only pretend.
double rounded(double value) { return std::round(value * 1e4) / 1e4; }

Json ratio(double amount, double of) { return of > 0 ? Json(rounded(amount / of)) : Json(nullptr); }

double micros(Nanos time) { return static_cast<double>(time) / 1e3; }

Json latency_of(const Histogram& latency) {
  const auto figure = [&latency](Nanos time) {
    return latency.count() > 0 ? Json(rounded(micros(time))) : Json(nullptr);
  };
  const auto at = [&](double share) { return figure(latency.at(share)); };
  return {{"p50", at(0.5)},
          {"p90", at(0.9)},
          {"p99", at(0.99)},
          {"p999", at(0.999)},
          {"max", figure(latency.max())}};
}

Json per_connection(const std::optional<std::int64_t>& growth, std::uint64_t connections) {
  if (!growth) return nullptr;
  return ratio(static_cast<double>(*growth), static_cast<double>(connections));
}

Json server_of(const Result& result) {
  if (!result.server_cpu) return nullptr;
  const auto cpu = static_cast<double>(*result.server_cpu);
  constexpr double gib = 1 << 30;
  return {
      {"cpu_share", ratio(cpu, static_cast<double>(result.duration))},
      {"cpu_us_per_message", ratio(cpu / 1e3, static_cast<double>(result.messages))},
      {"cpu_s_per_gib", ratio(cpu / 1e9, static_cast<double>(result.bytes) / gib)},
      {"bytes_per_connection", per_connection(result.server_growth, result.connections)},
      {"bytes_per_connection_touched",
       per_connection(result.server_growth_touched, result.connections)},
  };
}

}  // namespace

std::string report(const Run& run, const Plan& plan) {
  const Result& result = run.result();
  const double seconds = static_cast<double>(result.duration) / 1e9;
  const bool bulk = plan.scenario == Scenario::send || plan.scenario == Scenario::receive;
  const std::uint64_t counted = bulk ? result.bytes : result.messages;
  const Json line = {
      {"scenario", info(plan.scenario).name},
      {"target", plan.target.text()},
      {"connections", result.connections},
      {"size", plan.size},
      {"depth", plan.depth},
      {"duration_s", rounded(seconds)},
      {"messages", result.messages},
      {"bytes", result.bytes},
      {"rate", ratio(static_cast<double>(counted), seconds)},
      {"errors", result.errors},
      {"latency_us", latency_of(run.latency())},
      {"valid", result.reason.empty()},
      {"reason", result.reason},
      {"generator",
       {{"cpu_share",
         ratio(static_cast<double>(result.own_cpu), static_cast<double>(result.duration))}}},
      {"server", server_of(result)},
  };
  // What the system says of an error need not be UTF-8.
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace weir::load
