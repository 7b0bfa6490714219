#include "apps/transform/inputs.hpp"

#include <algorithm>
#include <numeric>

#include "apps/data/jet_names.hpp"
#include "engine/gather.hpp"

namespace jsc {

namespace {

// Callers fill blocks from threads of their own.
Execution one_thread(Execution execution) {
  execution.threads = 1;
  return execution;
}

// The scaler that a training on these jets would fit, without keeping them.
Scaler fit_to(EmulatedJets jets, const DataSettings& settings, int threads) {
  jets.rows = std::min(jets.rows, kEmulatedRows);
  DataSettings first = settings;
  first.data = fmt::format("emulated:{}:{}", jets.rows, jets.seed);
  return prepare_data(first, {}, threads, true).scaler;
}

bool can_stream(const DataSettings& settings, const Expectation& expected) {
  return parse_emulated(settings.data) && !settings.drop_duplicates &&
         (expected.feature_names.empty() || std::ranges::equal(expected.feature_names, kJetFeatureNames)) &&
         (expected.class_names.empty() || std::ranges::equal(expected.class_names, kJetClassNames));
}

}  // namespace

PreparedInput::PreparedInput(const PreparedData& data, std::span<const std::uint32_t> rows,
                             Execution execution)
    : data_(data), rows_(rows), execution_(one_thread(execution)) {}

void PreparedInput::fill(Index first, Matrix x) const {
  gather_rows(execution_, data_.data.x.get(), data_.data.features, rows_.data() + first, x);
}

EmulatedInput::EmulatedInput(EmulatedJets jets, Scaler scaler, Execution execution)
    : jets_(jets), scaler_(std::move(scaler)), execution_(one_thread(execution)) {}

void EmulatedInput::fill(Index first, Matrix x) const {
  const auto rows = static_cast<std::size_t>(x.cols);
  std::vector<float> jets(rows * kJetFeatures);
  std::vector<std::int32_t> labels(rows);
  std::vector<std::uint32_t> order(rows);
  emulate_jets(jets_.seed, first, x.cols, 1, jets.data(), labels.data());
  scaler_.apply(jets.data(), x.cols, kJetFeatures);
  std::iota(order.begin(), order.end(), 0U);
  gather_rows(execution_, jets.data(), kJetFeatures, order.data(), x);
}

TransformInput open_input(const DataSettings& settings, const std::string& which, const Expectation& expected,
                          const Execution& execution, bool quiet) {
  TransformInput input;
  if (which == "all" && can_stream(settings, expected)) {
    const EmulatedJets jets = *parse_emulated(settings.data);
    if (jets.rows < 1) fail("data set '{}': expected at least one row, found {}", settings.data, jets.rows);
    input.feature_names.assign(kJetFeatureNames.begin(), kJetFeatureNames.end());
    input.class_names.assign(kJetClassNames.begin(), kJetClassNames.end());
    input.source = fmt::format("emulated:{}:{}", jets.rows, jets.seed);
    input.scaler = expected.scaler ? *expected.scaler : fit_to(jets, settings, execution.threads);
    input.rows = std::make_unique<EmulatedInput>(jets, input.scaler, execution);
    return input;
  }
  input.data = std::make_unique<PreparedData>(prepare_data(settings, expected, execution.threads, quiet));
  const PreparedData& data = *input.data;
  input.feature_names = data.data.feature_names;
  input.class_names = data.data.class_names;
  input.source = data.data.source;
  input.scaler = data.scaler;
  input.chosen = data.rows(which);
  input.rows = std::make_unique<PreparedInput>(data, input.chosen, execution);
  return input;
}

}  // namespace jsc
