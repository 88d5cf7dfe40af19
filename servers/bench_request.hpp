// What the command line of `weir bench` asks for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <bench/load/plan.hpp>
#include <bench/load/threshold.hpp>

#include "exit_codes.hpp"

namespace weir::program {

struct BenchRequest {
  std::string scenario;
  std::string url;
  OptionValues values;
  std::vector<std::string> threshold_texts;
  std::string find_max_text;
  std::string html;  // A file to write to; empty: none.
  std::string hdr;
  bool json = false;

  load::Plan plan = {};
  std::vector<load::Threshold> thresholds = {};
  std::optional<load::Threshold> find_max = {};
};

// Runs it, reports, and says how it went.
Exit run_bench(BenchRequest& request);

}  // namespace weir::program
