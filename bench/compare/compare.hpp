// Two results of `weir bench` side by side.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bootstrap.hpp"
#include "differences.hpp"

namespace weir::load {

enum class Verdict {
  no_interval,    // How well the ratio is known cannot be told; or there is none.
  no_difference,  // The interval holds 1, or the change is within 3 %.
  better,         // The interval does not, and the change is larger: B is better.
  worse,
};

struct Figure {
  std::string name;   // As --json calls it: "rate", "p999"
  std::string title;  // As people do: "rate", "p99.9"
  std::string unit;   // "messages/s", "us"; "" for a bare number
  std::optional<double> a;
  std::optional<double> b;
  std::optional<double> ratio;  // B/A, where both are and A is above 0.
  std::optional<Interval>
      interval;  // 95 %, of rate and p99 over timelines of five seconds and more.
  bool more_is_better = false;
  bool is_judged = false;  // Rate, p99 and the server's CPU decide whether B is worse.
  Verdict verdict = Verdict::no_interval;
};

// One of the two.
struct Compared {
  std::string file;
  std::string about;      // One line: version, start, scenario, target. As it came from outside.
  std::string not_valid;  // Why the run does not count; empty if it does.
};

struct Comparison {
  Compared a;
  Compared b;
  std::vector<Difference> differences;
  std::vector<Figure> figures;

  // Whether scenario and what was asked of the target are alike.
  bool is_same_measurement() const;
  bool is_valid() const { return a.not_valid.empty() && b.not_valid.empty(); }
};

// Of two results as read_result() gives them; the files are only named.
Comparison compare(const nlohmann::ordered_json& a, const std::string& file_a,
                   const nlohmann::ordered_json& b, const std::string& file_b);

// The figures by which B is surely worse than A by more than a share (0.1 is 10 %): rate, p99 or the
// server's CPU, of which both the ratio and the end of its interval that is nearer to 1 are beyond it.
std::vector<Figure> worse_by(const Comparison& comparison, double share);

}  // namespace weir::load
