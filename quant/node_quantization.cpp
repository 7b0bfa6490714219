#include "quant/node_quantization.hpp"

#include <algorithm>
#include <vector>

#include "engine/error.hpp"
#include "engine/nearest.hpp"
#include "quant/fixed/text.hpp"
#include "quant/quantizer/formats.hpp"

namespace jsc {

namespace {

struct OpTensors {
  std::string_view op;
  bool has_parameters;
};

constexpr OpTensors kOps[] = {{"linear", true}, {"batch_norm1d", true}, {"relu", false}, {"add", false},
                              {"sub", false},   {"mul", false},         {"matmul", true}};

constexpr std::string_view kTensors[] = {"data_in", "weight", "bias", "data_out"};
constexpr std::string_view kNodeKeys[] = {"name",   "accum", "ste", "ranges", "batch_statistics",
                                          "bypass", "compat"};

std::string key_of(std::string_view tensor, std::string_view suffix) {
  return fmt::format("{}_{}", tensor, suffix);
}

// Settings of tensors that this op does not have are MASE's way to share one table among ops; only keys that
// no op would have are errors.
void check_keys(const MetaValue& config, const NumberFormat& format, const std::string& where) {
  std::vector<std::string> known(std::begin(kNodeKeys), std::end(kNodeKeys));
  for (std::string_view tensor : kTensors) {
    for (std::string_view suffix : format.required) known.push_back(key_of(tensor, suffix));
    for (std::string_view suffix : format.optional) known.push_back(key_of(tensor, suffix));
  }
  const std::vector<std::string_view> names(known.begin(), known.end());
  for (const auto& [key, value] : config.items())
    if (std::ranges::find(known, key) == known.end())
      fail("{}: unknown key '{}'{}", where, key, suggestion(key, names));
}

bool mentions(const MetaValue& config, std::string_view tensor) {
  for (const auto& [key, value] : config.items())
    if (key.starts_with(fmt::format("{}_", tensor))) return true;
  return false;
}

QuantizerPointer read_tensor(const MetaValue& config, const NumberFormat& format, std::string_view tensor,
                             bool is_signed, const std::string& where) {
  for (std::string_view suffix : format.required)
    if (!config.contains(key_of(tensor, suffix)))
      fail("{}: {} needs the key '{}'", where, format.name, key_of(tensor, suffix));
  return format.make(FormatOptions(config, tensor, where), is_signed);
}

bool flag(const MetaValue& config, const char* key, bool otherwise, const std::string& where) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null()) return otherwise;
  if (!found->is_boolean()) fail("{}: {} should be true or false, found {}", where, key, found->dump());
  return found->get<bool>();
}

std::string choice(const MetaValue& config, const char* key, std::initializer_list<std::string_view> allowed,
                   const std::string& where) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null()) return std::string(*allowed.begin());
  for (std::string_view word : allowed)
    if (*found == word) return std::string(word);
  fail("{}: {} should be one of {}, found {}", where, key, fmt::join(allowed, ", "), found->dump());
}

std::optional<fixed::Format> read_accumulator(const MetaValue& config, const std::string& where) {
  const auto found = config.find("accum");
  if (found == config.end() || found->is_null()) return std::nullopt;
  if (!found->is_string())
    fail("{}: accum should be a format such as \"fixed<16,6>\", found {}", where, found->dump());
  try {
    return fixed::parse_format(found->get<std::string>());
  } catch (const fixed::Error& error) {
    fail("{}: accum: {}", where, error.what());
  }
}

// The gradient of a threshold is that of numbers that saturate at it.
void check_learned_ranges(const NodeQuantization& node, const std::string& where) {
  for (const QuantizerPointer* quantizer : {&node.data_in, &node.weight, &node.bias, &node.data_out}) {
    if (!*quantizer) continue;
    const fixed::Format* format = (*quantizer)->fixed_format();
    if (format == nullptr)
      fail("{}: ranges = \"learned\" is for fixed point, found the format '{}'", where, node.format);
    if (format->overflow != fixed::Overflow::sat)
      fail("{}: ranges = \"learned\" needs the overflow mode SAT, found {}", where,
           fixed::name(format->overflow));
  }
}

}  // namespace

bool is_quantizable(std::string_view op) {
  return std::ranges::any_of(kOps, [&](const OpTensors& known) { return known.op == op; });
}

bool NodeQuantization::fixed() const {
  for (const QuantizerPointer* quantizer : {&data_in, &weight, &bias, &data_out})
    if (*quantizer && (*quantizer)->fixed_format() == nullptr) return false;
  return data_in != nullptr;
}

std::optional<NodeQuantization> read_node_quantization(const MetaValue& config, std::string_view op,
                                                       bool has_bias, const std::string& where) {
  const auto name = config.find("name");
  if (name == config.end()) fail("{}: needs the key 'name' (a number format, or \"NA\")", where);
  if (name->is_null()) return std::nullopt;
  if (!name->is_string()) fail("{}: name should be a number format, found {}", where, name->dump());
  const NumberFormat& format = find_number_format(name->get<std::string>(), where);
  check_keys(config, format, where);
  if (flag(config, "bypass", false, where)) return std::nullopt;

  const bool has_parameters = std::ranges::any_of(
      kOps, [&](const OpTensors& known) { return known.op == op && known.has_parameters; });
  NodeQuantization node;
  node.config = config;
  node.format = format.name;
  node.class_suffix = format.class_suffix;
  node.data_in = read_tensor(config, format, "data_in", op != "relu", where);
  if (has_parameters) node.weight = read_tensor(config, format, "weight", true, where);
  if (has_parameters && has_bias) node.bias = read_tensor(config, format, "bias", true, where);
  if (mentions(config, "data_out")) node.data_out = read_tensor(config, format, "data_out", true, where);
  node.accumulator = read_accumulator(config, where);
  if (node.accumulator && node.data_in->fixed_format() == nullptr)
    fail("{}: accum is for fixed point, found the format '{}'", where, format.name);
  node.ste = choice(config, "ste", {"clip", "identity"}, where) == "clip" ? Ste::clip : Ste::identity;
  choice(config, "compat", {"none", "mase"}, where);
  node.learned_ranges = choice(config, "ranges", {"fixed", "learned"}, where) == "learned";
  if (node.learned_ranges) check_learned_ranges(node, where);
  node.batch_statistics = flag(config, "batch_statistics", true, where);
  return node;
}

}  // namespace jsc
