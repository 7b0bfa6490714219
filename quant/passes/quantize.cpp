// quantize: puts quantized layers in the place of float ones, as MASE's configuration says
// (mase-spec.md 5.4).
//
//   before   seq_blocks_2: Linear(...)          [passes.quantize]
//   after    seq_blocks_2: LinearInteger(...)   by = "type"
//                                               [passes.quantize.linear.config]
//                                               name = "integer", data_in_width = 8, ...
// `by` says what the tables' names are: "type" (linear, relu, batch_norm1d, ...), "name" (of a node) or
// "regex_name" (regular expressions that match a whole node name, tried in the order given). Nodes that no
// table names take `default`, if there is one; those without a format (name = "NA"), and those that cannot be
// quantized, stay. The arguments are not modified, batch_norm1d can be quantized.
#include <algorithm>
#include <regex>

#include "engine/nearest.hpp"
#include "graph/mase_names.hpp"
#include "quant/passes/passes.hpp"
#include "quant/quantization.hpp"

namespace jsc {

namespace {

struct Rule {
  std::string key;
  const MetaValue* config;
  std::regex pattern;    // of regex_name
  bool matched = false;  // some node
};

std::regex compile(const std::string& pattern) {
  try {
    return std::regex(pattern, std::regex::ECMAScript | std::regex::optimize);
  } catch (const std::regex_error& error) {
    fail("quantize: '{}' is not a regular expression ({})", pattern, error.what());
  }
}

// Keys that stand beside the nodes' own in a table by name, which is how a checkpoint keeps what is
// quantized.
bool is_reserved(std::string_view key) {
  return key == "by" || key == "report" || key == "default";
}

std::vector<Rule> read_rules(const MetaValue& options, const std::string& by) {
  std::vector<Rule> rules;
  for (const auto& [key, table] : options.items()) {
    if (key == "by" || key == "report") continue;
    if (!table.is_object() || !table.contains("config") || !table["config"].is_object())
      fail("quantize: '{}' should be a table [passes.quantize.{}.config], found {}", key, key, table.dump());
    for (const auto& [inner, value] : table.items())
      if (inner != "config") fail("quantize: {}: unknown key '{}' (known: config)", key, inner);
    rules.push_back({key, &table["config"], by == "regex_name" ? compile(key) : std::regex(), false});
  }
  return rules;
}

// Names that nothing can answer to are mistakes.
void check_keys(const Graph& graph, const std::vector<Rule>& rules, const std::string& by) {
  std::vector<std::string_view> names;
  if (by == "type")
    for (std::string_view op :
         {"linear", "batch_norm1d", "relu", "add", "sub", "mul", "matmul", "bmm", "conv1d", "conv2d"})
      names.push_back(op);
  if (by == "name")
    for (const Node& node : graph.nodes) names.push_back(node.name);
  if (names.empty()) return;
  for (const Rule& rule : rules)
    if (rule.key != "default" && std::ranges::find(names, rule.key) == names.end())
      fail("quantize: there is no {} '{}'{}", by == "type" ? "type" : "node", rule.key,
           suggestion(rule.key, names));
}

Rule* rule_for(std::vector<Rule>& rules, const std::string& by, std::string_view op,
               const std::string& name) {
  Rule* otherwise = nullptr;
  for (Rule& rule : rules) {
    const bool fits = by == "type"   ? rule.key == op
                      : by == "name" ? rule.key == name
                                     : rule.key != "default" && std::regex_match(name, rule.pattern);
    if (fits) return &rule;
    if (rule.key == "default") otherwise = &rule;
  }
  return otherwise;
}

using Plan = std::vector<std::pair<NodeId, NodeQuantization>>;

// A module that several nodes call can be quantized in one way only, for all of them.
void check_shared_modules(const Graph& graph, const Plan& plan) {
  for (const auto& [id, quantization] : plan) {
    const Node& node = graph.nodes[static_cast<std::size_t>(id)];
    const MetaValue& config = quantization.config;
    if (node.kind != NodeKind::call_module) continue;
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      const Node& other = graph.nodes[i];
      if (other.kind != NodeKind::call_module || other.target != node.target) continue;
      const auto same = [&](const auto& entry) {
        return entry.first == static_cast<NodeId>(i) && entry.second.config == config;
      };
      if (std::ranges::none_of(plan, same))
        fail("quantize: nodes '{}' and '{}' call the module '{}': expected the same configuration for both",
             node.name, other.name, node.target);
    }
  }
}

bool has_bias(const Graph& graph, const Node& node) {
  const std::string_view op = mase_op(graph, node);
  if (op == "batch_norm1d") return true;  // its offset, affine or not
  const Module* module = node.kind == NodeKind::call_module ? graph.find_module(node.target) : nullptr;
  if (module == nullptr) return false;
  const bool folded =
      std::ranges::find(module->buffers(), "norm.running_mean", &Buffer::name) != module->buffers().end();
  return folded ||
         std::ranges::find(module->parameters(), "bias", &Parameter::name) != module->parameters().end();
}

}  // namespace

PassResult quantize(Graph& graph, const PassArguments& arguments) {
  const MetaValue& options = arguments.options;
  const auto by = options["by"].get<std::string>();
  if (by != "type" && by != "name" && by != "regex_name")
    fail("quantize: by should be type, name or regex_name, found '{}'", by);
  std::vector<Rule> rules = read_rules(options, by);
  check_keys(graph, rules, by);

  // Everything is read before anything is changed.
  Plan plan;
  for (std::size_t id = 0; id < graph.nodes.size(); ++id) {
    const Node& node = graph.nodes[id];
    if (node.kind != NodeKind::call_module && node.kind != NodeKind::call_function) continue;
    const std::string_view op = mase_op(graph, node);
    if (!is_quantizable(op)) continue;
    Rule* rule = rule_for(rules, by, op, node.name);
    if (rule == nullptr) continue;
    rule->matched = true;
    const std::string where = fmt::format("quantize, node '{}', [{}]", node.name, rule->key);
    auto quantization = read_node_quantization(*rule->config, op, has_bias(graph, node), where);
    if (!quantization) continue;
    if (is_reserved(node.name))
      fail("quantize: node '{}': configurations use this name for something else: give the layer another",
           node.name);
    plan.emplace_back(static_cast<NodeId>(id), std::move(*quantization));
  }
  check_shared_modules(graph, plan);

  PassResult result;
  const std::vector<NodeSummary> before = summarize_nodes(graph);
  for (const auto& [id, quantization] : plan) {
    quantize_node(graph, id, quantization);
    result.changed.push_back(graph.nodes[static_cast<std::size_t>(id)].name);
  }
  for (const Rule& rule : rules)
    if (!rule.matched && rule.key != "default")
      result.text += fmt::format("warning: [{}] fits no node that can be quantized\n", rule.key);
  if (plan.empty()) result.text += "warning: the configuration quantizes nothing\n";
  result.text += fmt::format("{} of {} nodes quantized\n", plan.size(), graph.nodes.size());
  result.info = quantization_of(graph);
  if (options.value("report", true)) result.tables = compare_nodes(before, graph);
  return result;
}

}  // namespace jsc
