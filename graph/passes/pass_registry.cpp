#include <algorithm>

#include "engine/nearest.hpp"
#include "graph/passes/pass.hpp"

namespace jsc {

namespace {

bool has_kind(const MetaValue& value, std::string_view kind) {
  if (kind == "string") return value.is_string();
  if (kind == "integer") return value.is_number_integer();
  if (kind == "number") return value.is_number();
  if (kind == "boolean") return value.is_boolean();
  if (kind == "list") return value.is_array();
  if (kind == "table") return value.is_object();
  return false;
}

}  // namespace

std::span<const Pass> graph_passes() {
  static const std::vector<Pass> passes = {};
  return passes;
}

PassResult run_pass(const Pass& pass, Graph& graph, PassArguments arguments) {
  std::vector<std::string_view> known;
  for (const PassOption& option : pass.options) known.push_back(option.key);
  for (const auto& [key, value] : arguments.options.items())
    if (std::ranges::find(known, key) == known.end())
      fail("pass {}: unknown key '{}'{}", pass.name, key, suggestion(key, known));
  for (const PassOption& option : pass.options) {
    const std::string key(option.key);
    if (!arguments.options.contains(key)) {
      if (option.default_value.empty())
        fail("pass {}: needs the key '{}' ({})", pass.name, key, option.about);
      arguments.options[key] = MetaValue::parse(option.default_value);
      continue;
    }
    const MetaValue& value = arguments.options[key];
    if (!value.is_null() && !has_kind(value, option.kind))
      fail("pass {}: '{}' should be a {}, found {}", pass.name, key, option.kind, value.dump());
  }
  PassResult result = pass.run(graph, arguments);
  if (pass.kind == PassKind::transform) verify(graph);
  return result;
}

}  // namespace jsc
