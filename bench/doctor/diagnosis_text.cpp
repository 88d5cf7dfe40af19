// A diagnosis for people, and for programs.
#include <algorithm>
#include <nlohmann/json.hpp>

#include <weir/text.hpp>

#include "doctor.hpp"

namespace weir::load {

namespace {

constexpr std::size_t kWordWidth = 9;   // "unknown" and two spaces.
constexpr std::size_t kNameWidth = 13;  // "descriptors" and two.

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

const char* word(Severity severity) {
  return severity == Severity::fault ? "FAULT" : name_of(severity);
}

const char* colour(Severity severity) {
  switch (severity) {
    case Severity::ok:
      return "\033[32m";
    case Severity::remark:
      return "\033[33m";
    case Severity::fault:
      return "\033[1;31m";
    case Severity::unknown:
      return "\033[36m";
  }
  return "";
}

std::string line(const Finding& finding, bool colours) {
  std::string text = padded(word(finding.severity), kWordWidth);
  if (colours) text = colour(finding.severity) + text + "\033[0m";
  text += padded(finding.name, kNameWidth) + finding.text + "\n";
  if (finding.fix.empty()) return text;
  return text + std::string(kWordWidth + kNameWidth, ' ') + "fix: " + finding.fix + "\n";
}

std::string what_is_held(const Diagnosis& diagnosis) {
  const std::uint64_t count = diagnosis.intent.connections;
  std::string text = grouped(count) + (count == 1 ? " connection" : " connections");
  if (diagnosis.intent.target) text += " to " + escape(diagnosis.intent.target->text());
  return text;
}

std::string verdict(const Diagnosis& diagnosis) {
  if (diagnosis.can()) return "this machine can hold " + what_is_held(diagnosis) + "\n";
  std::string names;
  for (const Finding& each : diagnosis.findings) {
    if (each.severity != Severity::fault) continue;
    names += (names.empty() ? "" : ", ") + each.name;
  }
  return "cannot: " + what_is_held(diagnosis) + " are ruled out by " + names + "\n";
}

}  // namespace

std::string complaints(const Diagnosis& diagnosis, bool colours) {
  std::string text;
  for (const Finding& each : diagnosis.findings) {
    const bool wrong = each.severity == Severity::remark || each.severity == Severity::fault;
    if (wrong) text += line(each, colours);
  }
  return text;
}

std::string text_of(const Diagnosis& diagnosis, bool colours) {
  std::string text;
  for (const Finding& each : diagnosis.findings) text += line(each, colours);
  return text + verdict(diagnosis);
}

std::string json_of(const Diagnosis& diagnosis) {
  using Json = nlohmann::ordered_json;
  const Intent& intent = diagnosis.intent;
  Json findings = Json::array();
  for (const Finding& each : diagnosis.findings) {
    findings.push_back({{"name", each.name},
                        {"level", name_of(each.severity)},
                        {"text", each.text},
                        {"fix", each.fix}});
  }
  const Json all{{"connections", intent.connections},
                 {"agents", intent.agents},
                 {"target", intent.target ? Json(intent.target->text()) : Json()},
                 {"can", diagnosis.can()},
                 {"findings", findings}};
  return all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace weir::load
