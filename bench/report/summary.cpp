#include "summary.hpp"

#include <weir/text.hpp>

#include "words.hpp"

namespace weir::load {

namespace {

std::string row(const Paint& paint, const std::string& name, const std::string& text) {
  constexpr std::size_t width = 14;
  return "  " + paint.faint(name) + std::string(width - name.size(), ' ') + text + "\n";
}

std::string times(const Paint& paint, const Histogram& of) {
  if (of.count() == 0) return "nothing was answered";
  const auto at = [&of](double share) { return time_words(static_cast<double>(of.at(share))); };
  return "p50 " + at(0.5) + "   p90 " + at(0.9) + "   " + paint.strong("p99 " + at(0.99)) +
         "   p99.9 " + at(0.999) + "   max " + at(1);
}

std::string rate_row(const Record& record, const Paint& paint) {
  const Outcome& outcome = record.outcome;
  const bool bulk = record.plan.scenario == Scenario::bulk;
  const std::string rate =
      bulk ? bytes_words(outcome.rate) + "/s" : rate_words(outcome.rate) + " /s";
  std::string text = paint.strong(rate) + "   ";
  if (!bulk) text += count_words(outcome.messages) + " messages, ";
  text += bytes_words(static_cast<double>(outcome.bytes)) + " in " + span_words(outcome.duration);
  if (outcome.errors > 0) text += ", " + paint.bad(count_words(outcome.errors) + " errors");
  if (outcome.dropped > 0) text += ", " + paint.bad(count_words(outcome.dropped) + " dropped");
  return row(paint, "rate", text);
}

// The gap between the two is what a closed loop does not see.
std::string open_loop_rows(const Record& record, const Paint& paint) {
  const Outcome& outcome = record.outcome;
  if (record.plan.scenario != Scenario::rate || outcome.latency.count() == 0) return "";
  std::string rows = row(paint, "from sending", times(paint, outcome.service));
  rows += row(paint, "sent late", times(paint, outcome.lag));
  const double due = static_cast<double>(outcome.latency.at(0.99));
  const double sent = static_cast<double>(outcome.service.at(0.99));
  if (due > 2 * sent && due - sent > 1e6) {
    rows += row(paint, "",
                "latency counts from when a message was due; who counts from sending overlooks " +
                    time_words(due - sent) + " of the p99");
  }
  return rows;
}

std::string server_rows(const Record& record, const Paint& paint) {
  const Outcome& outcome = record.outcome;
  if (!outcome.server) return "";
  std::string text;
  const bool of_memory = record.plan.scenario == Scenario::idle && record.plan.active == 0;
  if (outcome.server->cpu_share && !of_memory)
    text = share_words(*outcome.server->cpu_share) + " of a CPU";
  if (const auto each = cpu_per_message(outcome);
      each && !of_memory && record.plan.scenario != Scenario::bulk) {
    text += ", " + time_words(*each) + " a message";
  }
  const auto per_connection = [&](const std::optional<std::int64_t>& growth, const char* what) {
    if (!growth || outcome.connections == 0) return;
    const double each = static_cast<double>(*growth) / static_cast<double>(outcome.connections);
    text += (text.empty() ? "" : "; ") + bytes_words(each) + " a connection" + what;
  };
  per_connection(outcome.server->growth, "");
  per_connection(outcome.server->growth_touched, " after an echo");
  return text.empty() ? "" : row(paint, "server", text);
}

std::string abuse_row(const Record& record, const Paint& paint) {
  if (!record.plan.abuses()) return "";
  const Outcome& outcome = record.outcome;
  return row(paint, "abuse",
             count_words(outcome.abusers) + " there at the end, " +
                 count_words(outcome.thrown_out) + " thrown out, " +
                 count_words(outcome.not_let_in) +
                 " not let in; the latency is of good clients' lives");
}

std::string threshold_rows(const Record& record, const Paint& paint) {
  std::string rows;
  for (const Threshold& each : record.thresholds) {
    const auto figure = figure_of(each, record.outcome);
    std::string was = figure ? std::to_string(*figure) : "unknown";
    was.erase(std::min(was.find('.') + 3, was.size()));
    const bool kept = holds(each, record.outcome);
    rows += row(paint, "threshold",
                escape(each.text, 100) + "  " +
                    (kept ? paint.good("holds") : paint.bad("is broken")) + ": " + was + each.unit);
  }
  return rows;
}

std::string found_rows(const Record& record, const Paint& paint) {
  if (record.found == nullptr) return "";
  const FoundMax& found = *record.found;
  const std::string of = found.of_rate ? " messages a second" : " connections";
  std::string text =
      found.best
          ? paint.strong(rate_words(*found.best) + of) + " hold " +
                escape(found.threshold.text, 100) + ", " + std::to_string(found.confirmed) +
                " times confirmed"
          : paint.bad("nothing held " + escape(found.threshold.text, 100) + " in three whole runs");
  std::string rows = row(paint, "most", text);
  if (!found.limited_by.empty()) rows += row(paint, "limited by", found.limited_by);
  return rows;
}

const char* checked(const Plan& plan) {
  if (plan.scenario == Scenario::bulk && !plan.backend) {
    return "nothing comes back of what was sent; with --backend it is compared byte by byte";
  }
  const bool whole = plan.send.empty() || !plan.reply.is.empty();
  return whole ? "every answer was compared byte by byte" : "every answer was complete";
}

std::string verdict_row(const Record& record, const Paint& paint) {
  const Outcome& outcome = record.outcome;
  if (!outcome.reason.empty()) return row(paint, "NOT VALID", paint.bad(outcome.reason));
  return row(paint, "valid", checked(record.plan));
}

}  // namespace

std::string headline(const Plan& plan) {
  std::string text = std::string(info(plan.scenario).name) + ' ' + escape(plan.target.text()) +
                     ": " + count_words(static_cast<std::uint64_t>(plan.connections)) +
                     " connections";
  if (plan.agents > 1) text += " by " + std::to_string(plan.agents) + " agents";
  if (plan.send.empty()) text += ", " + bytes_words(static_cast<double>(plan.size));
  if (plan.scenario == Scenario::rate && plan.rate > 0) {
    text += ", " + count_words(static_cast<std::uint64_t>(plan.rate)) + " a second";
  } else if (plan.scenario != Scenario::rate && plan.depth > 1) {
    text += ", " + std::to_string(plan.depth) + " in flight on each";
  }
  return text;
}

std::string summary(const Record& record, const Paint& paint) {
  std::string text = paint.strong(headline(record.plan)) + "\n\n";
  for (const std::string& note : record.notes) text += row(paint, "note", note);
  text += rate_row(record, paint);
  if (record.plan.scenario != Scenario::bulk) {
    text += row(paint, "latency", times(paint, record.outcome.latency));
  }
  text += open_loop_rows(record, paint) + server_rows(record, paint);
  text += row(paint, "generator", share_words(record.outcome.generator_cpu) + " of a CPU");
  text += abuse_row(record, paint) + threshold_rows(record, paint) + found_rows(record, paint);
  return text + verdict_row(record, paint);
}

}  // namespace weir::load
