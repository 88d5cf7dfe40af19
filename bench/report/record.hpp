// Everything a report needs of a run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <bench/load/find_max.hpp>
#include <bench/load/outcome.hpp>
#include <bench/load/plan.hpp>
#include <bench/load/threshold.hpp>

#include "environment.hpp"

namespace weir::load {

struct Record {
  const Plan& plan;
  const Outcome& outcome;
  std::vector<Threshold> thresholds = {};
  const FoundMax* found = nullptr;
  std::vector<std::string> command = {};  // The words of the command line.
  std::vector<std::string> notes = {};    // Such as how the rate was chosen.
  std::string version = {};
  std::string started = {};  // UTC, as in RFC 3339.
  Environment where = {};
};

}  // namespace weir::load
