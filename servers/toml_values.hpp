// The way from TOML's types to option values.
#pragma once

#include <toml++/toml.h>

#include "configuration.hpp"

namespace weir::program {

Place place_of(const toml::source_position& at);
Place place_of(const toml::node& node);

// Reads the keys that are declared; a key that is not, and a value of another type, is a fault.
// `who` begins the sentences.
Given read_table(const toml::table& table, const std::vector<OptionInfo>& declared,
                 const std::string& who, std::vector<Fault>& faults);

}  // namespace weir::program
