#include "live.hpp"

#include <cmath>

#include "words.hpp"

namespace weir::load {

std::string live_line(const Progress& progress, const Paint& paint) {
  using Phase = Progress::Phase;
  const std::string connections = count_words(progress.connections) + " connections";
  const std::string errors =
      progress.errors > 0 ? "  " + paint.bad(count_words(progress.errors) + " errors") : "";
  if (progress.phase == Phase::connecting) return "connecting: " + connections + errors;
  if (progress.phase == Phase::warming_up) return "warming up: " + connections + errors;
  std::string text;
  if (const Second* const now = progress.second) {
    const auto time = [](const std::optional<double>& us) {
      return us ? time_words(*us * 1e3) : std::string("-");
    };
    text = paint.strong(rate_words(now->rate) + " /s") + "  p50 " + time(now->p50) + "  p99 " +
           time(now->p99) + "  max " + time(now->most) + "  ";
  }
  text += connections + errors;
  if (progress.phase == Phase::finishing) return text + "  finishing";
  return text + "  " + paint.faint(span_words(std::floor(seconds(progress.left))) + " left");
}

}  // namespace weir::load
