// A result as JSON: docs/bench-result.schema.json.
#pragma once

#include <nlohmann/json.hpp>

#include "record.hpp"

namespace weir::load {

nlohmann::ordered_json result_json(const Record& record);

}  // namespace weir::load
