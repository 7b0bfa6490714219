// profile_statistics: statistics of weights and activations, with MASE's options and places.
//
//   before  any graph that verifies
//   after   node.meta.software["args"][entry]["stat"] (outputs: ["results"]["data_out_0"]["stat"]) is
//           {statistic: {field: value}} for each target; the network is as it was, to the bit
//   weights      every parameter and float buffer of the target's module, as one sample; of matmul the
//                parameter on its right (data_in_1)
//   activations  the activations that go into the target (data_in_0, data_in_1, ...), a row of them a
//                sample, in evaluation mode; a placeholder has no input and gives its output
#include <algorithm>
#include <set>

#include "engine/nearest.hpp"
#include "engine/threads.hpp"
#include "graph/mase_names.hpp"
#include "graph/passes/passes.hpp"
#include "graph/statistics/observe.hpp"

namespace jsc {

namespace {

// A tensor of a node: where its statistics go, and whose value it is.
struct Entry {
  NodeId node;        // where the metadata stand
  std::string group;  // "args" or "results"
  std::string name;   // "data_in_0"
  NodeId source;      // the node that yields the value
};

Node& at(Graph& graph, NodeId id) {
  return graph.nodes[static_cast<std::size_t>(id)];
}

// The nodes that `targets` name, in the order of the graph. Throws Error for a target that names none.
std::vector<NodeId> select(const Graph& graph, const MetaValue& options, const std::string& key) {
  const bool by_name = options["by"] == "name";
  std::vector<std::string> labels;
  for (const Node& node : graph.nodes)
    labels.push_back(by_name ? node.name : std::string(mase_op(graph, node)));
  std::set<std::string> targets;
  for (const MetaValue& entry : options[key]) {
    if (!entry.is_string()) fail("profile_statistics: {}: expected strings, found {}", key, entry.dump());
    const auto target = entry.get<std::string>();
    if (std::ranges::find(labels, target) == labels.end()) {
      const std::set<std::string_view> distinct(labels.begin(), labels.end());
      const std::vector<std::string_view> known(distinct.begin(), distinct.end());
      fail("profile_statistics: {}: no node has the {} '{}'{}", key, by_name ? "name" : "type", target,
           suggestion(target, known));
    }
    targets.insert(target);
  }
  std::vector<NodeId> nodes;
  for (std::size_t id = 0; id < labels.size(); ++id)
    if (targets.contains(labels[id])) nodes.push_back(static_cast<NodeId>(id));
  return nodes;
}

class Report {
 public:
  Report() {
    table_.name = "statistics";
    table_.titles = {"node", "entry", "statistic", "field", "value"};
    table_.numeric = {false, false, false, false, true};
  }

  void add(const std::string& node, const std::string& entry, const std::string& statistic,
           const MetaValue& fields) {
    info_[node][entry][statistic] = fields;
    for (const auto& [field, value] : fields.items())
      table_.rows.push_back({node, entry, statistic, field, cell(value)});
  }
  void note(std::string_view line) { text_ += fmt::format("{}\n", line); }

  PassResult finish() {
    PassResult result;
    result.text = text_;
    result.info = info_;
    result.tables.push_back(std::move(table_));
    return result;
  }

 private:
  static std::size_t leaves(const MetaValue& value) {
    if (!value.is_array()) return 1;
    std::size_t n = 0;
    for (const MetaValue& part : value) n += leaves(part);
    return n;
  }
  static std::string cell(const MetaValue& value) {
    if (value.is_number_float()) return fmt::format("{:.9g}", value.get<double>());
    if (value.is_array()) return fmt::format("({} values)", leaves(value));
    return value.is_string() ? value.get<std::string>() : value.dump();
  }

  MetaValue info_ = MetaValue::object();  // {node: {entry: {statistic: {field: value}}}}
  ReportTable table_;
  std::string text_;
};

std::vector<WeightTensor> weights_of(const Graph& graph, const Node& node) {
  const Module* module = graph.module_of(node);
  std::vector<WeightTensor> tensors;
  if (module != nullptr) tensors = weight_tensors(*module);
  for (std::size_t k = 0; k < node.inputs.size(); ++k)
    if (const Parameter* parameter =
            graph.parameter_of(graph.nodes[static_cast<std::size_t>(node.inputs[k])]))
      tensors.push_back({fmt::format("data_in_{}", k),
                         parameter->shape,
                         {parameter->value.data, static_cast<std::size_t>(parameter->value.size())}});
  return tensors;
}

MetaValue& stat_of(Node& node, const std::string& group, const std::string& entry) {
  return node.meta.software[group][entry]["stat"];
}

void profile_weights(Graph& graph, const MetaValue& options, Report& report) {
  const auto statistics =
      parse_statistics(options["weight_statistics"], "profile_statistics: weight_statistics");
  if (statistics.empty()) return;
  for (NodeId id : select(graph, options, "target_weight_nodes")) {
    Node& node = at(graph, id);
    const std::vector<WeightTensor> tensors = weights_of(graph, node);
    if (tensors.empty()) report.note(fmt::format("{} has no weights to profile", node.name));
    for (const WeightTensor& tensor : tensors) {
      MetaValue results = MetaValue::object();
      for (const StatisticRequest& request : statistics) {
        const auto statistic = request.make({tensor.shape, 1});
        observe_weight(*statistic, tensor.values,
                       fmt::format("profile_statistics: {} of {}", tensor.name, node.name));
        const std::string name(request.kind->name);
        results[name] = statistic->result();
        report.add(node.name, tensor.name, name, results[name]);
      }
      stat_of(node, "args", tensor.name) = results;
    }
  }
}

std::vector<Entry> activation_entries(const Graph& graph, const MetaValue& options) {
  std::vector<Entry> entries;
  const bool input = options["profile_input"].get<bool>();
  const bool outputs = options["profile_output_activation"].get<bool>();
  const std::vector<NodeId> targets = select(graph, options, "target_activation_nodes");
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    const auto id = static_cast<NodeId>(i);
    const Node& node = graph.nodes[i];
    const bool target = std::ranges::find(targets, id) != targets.end();
    if (node.kind == NodeKind::get_attr) continue;
    for (std::size_t k = 0; target && k < node.inputs.size(); ++k)
      if (graph.nodes[static_cast<std::size_t>(node.inputs[k])].kind != NodeKind::get_attr)
        entries.push_back({id, "args", fmt::format("data_in_{}", k), node.inputs[k]});
    const bool placeholder = node.kind == NodeKind::placeholder;
    if ((placeholder && (input || target)) ||
        (target && outputs && !placeholder && node.kind != NodeKind::output))
      entries.push_back({id, "results", "data_out_0", id});
  }
  return entries;
}

void profile_activations(Graph& graph, const PassArguments& arguments, Report& report) {
  const MetaValue& options = arguments.options;
  const auto statistics =
      parse_statistics(options["activation_statistics"], "profile_statistics: activation_statistics");
  const std::vector<Entry> entries = activation_entries(graph, options);
  if (statistics.empty() || entries.empty()) return;

  // A value that several nodes read is looked at once.
  std::vector<NodeId> sources;
  for (const Entry& entry : entries)
    if (std::ranges::find(sources, entry.source) == sources.end()) sources.push_back(entry.source);
  std::vector<Observation> observations;
  for (NodeId source : sources)
    for (const StatisticRequest& request : statistics)
      observations.push_back({source, [&request](const SampleLayout& layout) -> std::unique_ptr<Accumulator> {
                                return request.make(layout);
                              }});
  const auto accumulators = observe(graph, arguments, options["num_samples"].get<Index>(), observations);

  std::vector<MetaValue> results(accumulators.size());
  parallel_for(arguments.execution.threads, static_cast<Index>(results.size()), [&](Index i) {
    const auto k = static_cast<std::size_t>(i);
    results[k] = static_cast<const Statistic&>(*accumulators[k]).result();
  });
  for (const Entry& entry : entries) {
    Node& node = at(graph, entry.node);
    const auto source = static_cast<std::size_t>(std::ranges::find(sources, entry.source) - sources.begin());
    MetaValue stat = MetaValue::object();
    for (std::size_t s = 0; s < statistics.size(); ++s) {
      const std::string name(statistics[s].kind->name);
      stat[name] = results[source * statistics.size() + s];
      report.add(node.name, entry.name, name, stat[name]);
    }
    stat_of(node, entry.group, entry.name) = stat;
  }
}

}  // namespace

PassResult profile_statistics(Graph& graph, const PassArguments& arguments) {
  const MetaValue& by = arguments.options["by"];
  if (by != "name" && by != "type")
    fail("profile_statistics: by should be \"name\" or \"type\", found {}", by.dump());
  Report report;
  profile_weights(graph, arguments.options, report);
  profile_activations(graph, arguments, report);
  return report.finish();
}

}  // namespace jsc
