#include "apps/models/model.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <functional>
#include <map>
#include <sstream>

#include "engine/nearest.hpp"
#include "graph/builder.hpp"
#include "graph/functions.hpp"
#include "graph/modules.hpp"

namespace jsc {

namespace {

// One entry of `layers`, with the words for messages about it.
class Layer {
 public:
  Layer(const toml::table& table, std::string where) : table_(table), where_(std::move(where)) {}

  const std::string& where() const { return where_; }
  bool has(std::string_view key) const { return table_.contains(key); }

  std::string text(std::string_view key, std::string fallback) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return fallback;
    if (const auto value = node->value_exact<std::string>()) return *value;
    fail("{}: '{}' should be a string", where_, key);
  }
  double number(std::string_view key, double fallback) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return fallback;
    if (node->is_number()) return *node->value<double>();
    fail("{}: '{}' should be a number", where_, key);
  }
  bool flag(std::string_view key, bool fallback) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return fallback;
    if (const auto value = node->value_exact<bool>()) return *value;
    fail("{}: '{}' should be true or false", where_, key);
  }
  // `out` of a linear or matmul layer: a positive integer, or "classes".
  Index width(Index classes) const {
    const toml::node* node = table_.get("out");
    if (node == nullptr) fail("{}: needs 'out' (an integer, or \"classes\")", where_);
    if (node->value_exact<std::string>() == "classes") return classes;
    const auto value = node->value_exact<std::int64_t>();
    if (!value || *value < 1 || *value > 1'000'000)
      fail("{}: 'out' should be an integer from 1 to 1000000 or \"classes\"", where_);
    return static_cast<Index>(*value);
  }
  std::vector<std::string> inputs() const {
    std::vector<std::string> names;
    if (has("input") && has("inputs")) fail("{}: has both 'input' and 'inputs'", where_);
    if (has("input")) names.push_back(text("input", ""));
    if (const toml::node* node = table_.get("inputs")) {
      const toml::array* array = node->as_array();
      if (array == nullptr) fail("{}: 'inputs' should be a list of layer names", where_);
      for (const toml::node& entry : *array) {
        const auto name = entry.value_exact<std::string>();
        if (!name) fail("{}: 'inputs' should be a list of layer names", where_);
        names.push_back(*name);
      }
    }
    return names;
  }
  void expect_keys(const std::vector<std::string_view>& keys) const {
    for (const auto& [key, node] : table_)
      if (std::ranges::find(keys, key.str()) == keys.end())
        fail("{}: unknown key '{}'{}", where_, key.str(), suggestion(key.str(), keys));
  }

 private:
  const toml::table& table_;
  std::string where_;
};

struct ModuleType {
  std::string_view name;
  std::vector<std::string_view> keys;
  std::function<std::shared_ptr<Module>(const Layer&, Index in, Index classes)> make;
};

const std::vector<ModuleType>& module_types() {
  static const std::vector<ModuleType> types = {
      {"linear",
       {"out", "bias"},
       [](const Layer& l, Index in, Index classes) {
         return std::make_shared<Linear>(in, l.width(classes), l.flag("bias", true));
       }},
      {"batch_norm",
       {"eps", "momentum", "affine"},
       [](const Layer& l, Index in, Index) {
         return std::make_shared<BatchNorm1d>(in, l.number("eps", 1e-5), l.number("momentum", 0.1),
                                              l.flag("affine", true));
       }},
      {"relu",
       {"inplace"},
       [](const Layer& l, Index, Index) { return std::make_shared<ReLU>(l.flag("inplace", false)); }},
      {"leaky_relu",
       {"negative_slope"},
       [](const Layer& l, Index, Index) {
         return std::make_shared<LeakyReLU>(l.number("negative_slope", 0.01));
       }},
      {"hardtanh",
       {"min", "max"},
       [](const Layer& l, Index, Index) {
         return std::make_shared<Hardtanh>(l.number("min", -1), l.number("max", 1));
       }},
      {"sigmoid", {}, [](const Layer&, Index, Index) { return std::make_shared<Sigmoid>(); }},
      {"tanh", {}, [](const Layer&, Index, Index) { return std::make_shared<Tanh>(); }},
      {"softmax", {}, [](const Layer&, Index, Index) { return std::make_shared<Softmax>(); }},
      {"dropout",
       {"p"},
       [](const Layer& l, Index, Index) { return std::make_shared<Dropout>(l.number("p", 0.5)); }},
  };
  return types;
}

bool is_pair_function(std::string_view type) {
  return type == "add" || type == "sub" || type == "mul";
}

class ModelBuilder {
 public:
  ModelBuilder(const ModelDescription& model, Index features, Index classes)
      : name_(model.name), classes_(classes), builder_(features) {
    nodes_["x"] = previous_ = builder_.input();
  }

  void append(const Layer& layer, const std::string& default_name) {
    const std::string type = layer.text("type", "");
    if (type.empty()) fail("{}: has no 'type'", layer.where());
    const std::string layer_name = layer.text("name", default_name);
    if (layer_name == "x" || layer_name == "output")
      fail("{}: '{}' cannot be a layer's name", layer.where(), layer_name);
    if (nodes_.contains(layer_name)) fail("{}: the name '{}' is used twice", layer.where(), layer_name);

    std::vector<NodeId> inputs;
    for (const std::string& input : layer.inputs()) inputs.push_back(node_of(layer, input));
    if (inputs.empty()) inputs.push_back(previous_);
    try {
      previous_ = is_pair_function(type) ? call_function(layer, type, inputs)
                  : type == "matmul"     ? call_matmul(layer, layer_name, inputs)
                                         : call_module(layer, type, layer_name, inputs);
    } catch (const Error& error) {
      const std::string text = error.what();
      if (text.starts_with(layer.where())) throw;
      fail("{}: {}", layer.where(), text);
    }
    nodes_[layer_name] = previous_;
  }

  Graph finish() {
    if (builder_.features(previous_) != classes_)
      fail("model '{}': its output should have one row a class ({}), found {}", name_, classes_,
           builder_.features(previous_));
    return builder_.finish(previous_);
  }

 private:
  NodeId node_of(const Layer& layer, const std::string& input) const {
    const auto found = nodes_.find(input);
    if (found != nodes_.end()) return found->second;
    std::vector<std::string_view> known;
    for (const auto& [known_name, node] : nodes_) known.push_back(known_name);
    fail("{}: there is no earlier layer '{}'{}", layer.where(), input, suggestion(input, known));
  }

  NodeId call_function(const Layer& layer, const std::string& type, const std::vector<NodeId>& inputs) {
    layer.expect_keys({"type", "name", "inputs"});
    return builder_.call_function(type, inputs);
  }

  // The weight is a parameter of the layer's name. Two inputs are for the builder to refuse.
  NodeId call_matmul(const Layer& layer, const std::string& path, const std::vector<NodeId>& inputs) {
    if (layer.has("inputs")) return call_function(layer, "matmul", inputs);
    layer.expect_keys({"type", "name", "input", "out"});
    const Index in = builder_.features(inputs[0]), out = layer.width(classes_);
    const NodeId weight = builder_.get_attr(path, std::make_shared<Weight>(in, out));
    return builder_.call_function("matmul", {inputs[0], weight});
  }

  NodeId call_module(const Layer& layer, const std::string& type, const std::string& path,
                     const std::vector<NodeId>& inputs) {
    std::vector<std::string_view> known = {"add", "sub", "mul", "matmul"};
    for (const ModuleType& candidate : module_types()) {
      known.push_back(candidate.name);
      if (candidate.name != type) continue;
      std::vector<std::string_view> keys = {"type", "name", "input"};
      keys.insert(keys.end(), candidate.keys.begin(), candidate.keys.end());
      layer.expect_keys(keys);
      return builder_.call_module(path, candidate.make(layer, builder_.features(inputs[0]), classes_),
                                  inputs);
    }
    fail("{}: unknown type '{}'{}", layer.where(), type, suggestion(type, known));
  }

  std::string name_;
  Index classes_;
  GraphBuilder builder_;
  NodeId previous_ = 0;
  std::map<std::string, NodeId> nodes_;
};

}  // namespace

ModelDescription find_model(const std::string& name_or_path) {
  std::vector<std::string_view> names;
  for (const ZooEntry& entry : zoo()) {
    if (entry.name == name_or_path) return {std::string(entry.name), std::string(entry.toml)};
    names.push_back(entry.name);
  }
  if (!name_or_path.ends_with(".toml"))
    fail("unknown model '{}'{}; a model of your own is the path of a .toml file", name_or_path,
         suggestion(name_or_path, names));
  try {
    const toml::table table = toml::parse_file(name_or_path);
    std::ostringstream text;
    text << table << '\n';
    const Layer top(table, fmt::format("model '{}'", name_or_path));
    return {top.text("name", name_or_path.substr(0, name_or_path.size() - 5)), text.str()};
  } catch (const toml::parse_error& error) {
    const auto line = error.source().begin.line;
    if (line == 0) fail("model '{}': {}", name_or_path, error.description());
    fail("model '{}', line {}: {}", name_or_path, line, error.description());
  }
}

Graph build_model(const ModelDescription& model, Index features, Index classes) {
  toml::table table;
  try {
    table = toml::parse(model.toml);
  } catch (const toml::parse_error& error) {
    fail("model '{}', line {}: {}", model.name, error.source().begin.line, error.description());
  }
  const Layer top(table, fmt::format("model '{}'", model.name));
  top.expect_keys({"name", "container", "layers"});
  const std::string container = top.text("container", "seq_blocks");
  const toml::array* layers = table["layers"].as_array();
  if (layers == nullptr || layers->empty())
    fail("model '{}': has no list of layers ('layers = [...]' or [[layers]])", model.name);

  ModelBuilder builder(model, features, classes);
  for (std::size_t i = 0; i < layers->size(); ++i) {
    const toml::table* entry = layers->get(i)->as_table();
    const std::string where = fmt::format("model '{}', layer {}", model.name, i);
    if (entry == nullptr) fail("{}: should be a table such as {{ type = \"linear\", out = 8 }}", where);
    const std::string type = (*entry)["type"].value_or(std::string("?"));
    builder.append(Layer(*entry, fmt::format("{} ({})", where, type)), fmt::format("{}.{}", container, i));
  }
  return builder.finish();
}

}  // namespace jsc
