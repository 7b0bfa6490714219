#include "apps/checkpoint/integer_file.hpp"

#include <cstring>
#include <nlohmann/json.hpp>

#include "apps/checkpoint/content_hash.hpp"
#include "engine/error.hpp"
#include "quant/fixed/text.hpp"
#include "quant/integer/range_analysis.hpp"

namespace jsc {

namespace {

using Json = nlohmann::json;

constexpr const char* kFormat = "jsc-integer-network";
constexpr const char* kVersion = "1";

std::string tensor_name(std::size_t step, const char* what) {
  return fmt::format("steps.{}.{}", step, what);
}

void add_integers(TensorFile& file, const std::string& name, const std::vector<std::int64_t>& values) {
  if (!values.empty())
    file.tensors[name] =
        StoredTensor::of<std::int64_t>(Dtype::i64, {static_cast<std::int64_t>(values.size())}, values);
}

std::vector<std::int64_t> integers(const TensorFile& file, const std::string& name) {
  const auto found = file.tensors.find(name);
  if (found == file.tensors.end()) return {};
  if (found->second.dtype != Dtype::i64) fail("tensor '{}': expected type I64", name);
  return found->second.values<std::int64_t>();
}

Json describe(const IntegerProgram& program) {
  Json values = Json::array(), inputs = Json::array(), steps = Json::array();
  for (const IntegerValue& value : program.values)
    values.push_back({{"name", value.name}, {"features", value.features}, {"fraction", value.fraction}});
  for (const IntegerInput& input : program.inputs)
    inputs.push_back({{"value", input.value}, {"format", fixed::to_full_string(input.format)}});
  for (const IntegerStep& step : program.steps) {
    Json json = {{"operation", std::string(operation_name(step.operation))},
                 {"inputs", step.inputs},
                 {"output", step.output}};
    if (step.operation == Operation::quantize) json["format"] = fixed::to_full_string(step.format);
    if (!step.weights.empty()) json["weight_format"] = fixed::to_full_string(step.weight_format);
    if (!step.bias.empty()) json["bias_format"] = fixed::to_full_string(step.bias_format);
    if (step.accumulator) json["accumulator"] = fixed::to_full_string(*step.accumulator);
    if (!step.sum_widths.empty()) json["sum_widths"] = step.sum_widths;
    steps.push_back(std::move(json));
  }
  return {{"values", values}, {"inputs", inputs}, {"steps", steps}, {"result", program.result}};
}

fixed::Format format_of(const Json& json, const char* key) {
  return fixed::parse_format(json.at(key).get<std::string>());
}

IntegerProgram parse(const Json& json, const TensorFile& file) {
  IntegerProgram program;
  for (const Json& value : json.at("values")) {
    const auto features = value.at("features").get<std::int64_t>();
    if (features < 1 || features > 1 << 20) fail("a value of {} features", features);
    program.values.push_back({value.at("name"), features, value.at("fraction"), {}});
    program.values.back().ranges.resize(static_cast<std::size_t>(features));
  }
  const auto value_at = [&](int v) -> IntegerValue& {
    if (v < 0 || v >= static_cast<int>(program.values.size())) fail("there is no value {}", v);
    return program.values[static_cast<std::size_t>(v)];
  };
  for (const Json& input : json.at("inputs")) {
    program.inputs.push_back({input.at("value"), format_of(input, "format")});
    for (Range& range : value_at(program.inputs.back().value).ranges)
      range = full_range(program.inputs.back().format);
  }
  for (const Json& entry : json.at("steps")) {
    const std::size_t number = program.steps.size();
    IntegerStep step;
    step.operation = find_operation(entry.at("operation").get<std::string>());
    step.inputs = entry.at("inputs").get<std::vector<int>>();
    step.output = entry.at("output");
    if (entry.contains("format")) step.format = format_of(entry, "format");
    if (entry.contains("weight_format")) step.weight_format = format_of(entry, "weight_format");
    if (entry.contains("bias_format")) step.bias_format = format_of(entry, "bias_format");
    if (entry.contains("accumulator")) step.accumulator = format_of(entry, "accumulator");
    if (entry.contains("sum_widths")) step.sum_widths = entry.at("sum_widths").get<std::vector<int>>();
    step.weights = integers(file, tensor_name(number, "weight"));
    step.bias = integers(file, tensor_name(number, "bias"));
    value_at(step.output);
    for (int input : step.inputs) value_at(input);
    program.steps.push_back(std::move(step));
  }
  program.result = json.at("result");
  check(program);
  // The ranges are no part of the file: they follow.
  for (const IntegerStep& step : program.steps) value_at(step.output).ranges = analyze(program, step).ranges;
  check(program);  // once more: how wide the casts of accumulators are depends on ranges
  return program;
}

}  // namespace

void save_integer_network(const std::string& path, const IntegerFile& network) {
  TensorFile file;
  file.metadata["format"] = kFormat;
  file.metadata["version"] = kVersion;
  file.metadata["model"] = network.model;
  file.metadata["features"] = Json(network.feature_names).dump();
  file.metadata["classes"] = Json(network.class_names).dump();
  file.metadata["program"] = describe(network.program).dump();
  file.metadata["program_hash"] = program_hash(network.program);
  for (std::size_t s = 0; s < network.program.steps.size(); ++s) {
    add_integers(file, tensor_name(s, "weight"), network.program.steps[s].weights);
    add_integers(file, tensor_name(s, "bias"), network.program.steps[s].bias);
  }
  if (!network.scaler.mean.empty()) {
    const auto n = static_cast<std::int64_t>(network.scaler.mean.size());
    file.tensors["scaler.mean"] = StoredTensor::of<double>(Dtype::f64, {n}, network.scaler.mean);
    file.tensors["scaler.scale"] = StoredTensor::of<double>(Dtype::f64, {n}, network.scaler.scale);
  }
  write_safetensors(path, std::move(file));
}

IntegerFile load_integer_network(const std::string& path) {
  const TensorFile file = read_safetensors(path);
  const auto text = [&](const char* key) -> const std::string& {
    const auto found = file.metadata.find(key);
    if (found == file.metadata.end()) fail("{}: not an integer network: its metadata has no '{}'", path, key);
    return found->second;
  };
  if (text("format") != kFormat)
    fail("{}: expected an integer network, found the format '{}'", path, text("format"));
  if (text("version") != kVersion)
    fail("{}: expected integer network version {}, found '{}'", path, kVersion, text("version"));
  static_cast<void>(text(kContentHash));  // which read_safetensors has checked
  IntegerFile network;
  network.model = text("model");
  try {
    network.feature_names = Json::parse(text("features")).get<std::vector<std::string>>();
    network.class_names = Json::parse(text("classes")).get<std::vector<std::string>>();
    network.program = parse(Json::parse(text("program")), file);
  } catch (const Json::exception& error) {
    fail("{}: its metadata is damaged: {}", path, error.what());
  } catch (const fixed::Error& error) {
    fail("{}: its metadata is damaged: {}", path, error.what());
  } catch (const Error& error) {
    fail("{}: {}", path, error.what());
  }
  if (program_hash(network.program) != text("program_hash"))
    fail("{}: its program does not match its hash (expected {}, found {})", path, text("program_hash"),
         program_hash(network.program));
  const auto n = network.feature_names.size();
  if (static_cast<std::size_t>(network.program.input_features()) != n)
    fail("{}: expected {} feature names, found {}", path, network.program.input_features(), n);
  const std::int64_t classes = network.program.result_features();
  if (std::ssize(network.class_names) != classes)
    fail("{}: expected {} class names, found {}", path, classes, network.class_names.size());
  if (file.tensors.contains("scaler.mean") && file.tensors.contains("scaler.scale")) {
    network.scaler.mean = file.tensors.at("scaler.mean").values<double>();
    network.scaler.scale = file.tensors.at("scaler.scale").values<double>();
    if (network.scaler.mean.size() != n || network.scaler.scale.size() != n)
      fail("{}: expected a scaler of {} features, found {}", path, n, network.scaler.mean.size());
  }
  return network;
}

bool is_integer_network(const TensorFile& file) {
  const auto found = file.metadata.find("format");
  return found != file.metadata.end() && found->second == kFormat;
}

bool is_integer_network(const std::string& path) {
  return is_integer_network(read_safetensors(path));
}

}  // namespace jsc
