// Results of `weir bench --json`, read back.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <stdexcept>
#include <string>

namespace weir::load {

// One sentence that names the file and what is wrong with it.
class ResultFileError final : public std::runtime_error {
 public:
  enum class Kind { unreadable, malformed };

  ResultFileError(Kind kind, const std::string& sentence)
      : std::runtime_error(sentence), kind_(kind) {}

  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

// The result in a file of at most 64 MiB. Every field that docs/bench-result.schema.json requires is
// there and has its type, those within `latency_us`, `server`, `timeline` and `percentiles` too.
// Throws ResultFileError.
nlohmann::ordered_json read_result(const std::string& file);

// The same of the text of a file; `file` is only named.
nlohmann::ordered_json parse_result(const std::string& text, const std::string& file);

}  // namespace weir::load
