// What came of a run, for people, at a glance.
#pragma once

#include "paint.hpp"
#include "record.hpp"

namespace weir::load {

std::string summary(const Record& record, const Paint& paint);

// "echo tcp://127.0.0.1:7007: 50 connections, 64 B, 1 in flight on each, 10 s"
std::string headline(const Plan& plan);

}  // namespace weir::load
