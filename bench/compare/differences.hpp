// In what two measurements differ before their figures do.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace weir::load {

struct Difference {
  std::string what;  // "scenario", "--depth", "environment: kernel"
  std::string a;     // As JSON would say it, texts without quotes; "-" where it was not said.
  std::string b;
  bool essential =
      false;  // Other work was measured: the scenario, or what was asked of the target.
};

// Of two results as read_result() gives them, the essential ones first. What changes from run to run by
// itself (times, the load average) is left out; so is where output went.
std::vector<Difference> differences(const nlohmann::ordered_json& a,
                                    const nlohmann::ordered_json& b);

}  // namespace weir::load
