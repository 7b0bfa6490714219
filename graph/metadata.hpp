// What is known about a node beside what it computes: three dictionaries as MASE lays them out (common,
// software, hardware), filled by the passes add_*_metadata and profile_statistics, printed by
// report_node_meta_param, saved as TOML.
//
//   common   mase_type, mase_op, args {data_in_0, weight, ...}, results {data_out_0}; each tensor {shape,
//   type, precision, from, ...} software args / results: the same entries, each {stat: {...}} hardware
//   is_implicit, toolchain, interface, verilog_param, ...
//
// Values are JSON (objects keep their order); null is Python's None and TOML's "NA".
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace jsc {

using MetaValue = nlohmann::ordered_json;

struct Metadata {
  MetaValue common = MetaValue::object();
  MetaValue software = MetaValue::object();
  MetaValue hardware = MetaValue::object();
};

// The value as Python's pprint shows it: keys sorted, at most `width` columns, None / True / False, strings
// in single quotes.
std::string python_text(const MetaValue& value, int width = 80);

// null <-> "NA", everything else as it is; TOML has no other word for nothing.
std::string metadata_to_toml(const MetaValue& value);
// Throws Error with line and reason.
MetaValue metadata_from_toml(const std::string& text, const std::string& where);

}  // namespace jsc
