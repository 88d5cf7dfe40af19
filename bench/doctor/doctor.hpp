// Says whether this machine can hold a load, and what to do where it cannot.
#pragma once

#include <string>

#include "checks.hpp"

namespace weir::load {

struct Diagnosis {
  Intent intent;
  Findings findings;

  bool can() const;  // No fault.
};

// Reads what there is to be known and judges it. Looks the target's host up, which may take a while;
// otherwise milliseconds, and tenths of a second where there are 10,000 sockets.
Diagnosis diagnose(Intent intent);

// The judgement alone.
Diagnosis judge(Intent intent, const Facts& facts);

// A line for each finding, its fix below, and a last one that says it all. Outside text is escaped.
std::string text_of(const Diagnosis& diagnosis, bool colours);

// The lines of remarks and faults only; empty if nothing is wrong.
std::string complaints(const Diagnosis& diagnosis, bool colours);

// An object: connections, agents, target, can, findings of name, level, text and fix.
std::string json_of(const Diagnosis& diagnosis);

}  // namespace weir::load
