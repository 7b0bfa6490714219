// Where passes that run the network take their rows from: data in memory, or jets that are emulated as they
// are asked for, so that any number of them can be profiled in the memory of one block.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "apps/data/emulator.hpp"
#include "apps/training/prepared_data.hpp"
#include "graph/input_generator.hpp"

namespace jsc {

// Chosen rows of prepared data, in the order of `rows`. Both must outlive it.
class PreparedInput final : public InputGenerator {
 public:
  PreparedInput(const PreparedData& data, std::span<const std::uint32_t> rows, Execution execution);
  Index features() const override { return data_.data.features; }
  Index rows() const override { return std::ssize(rows_); }
  void fill(Index first, Matrix x) const override;

 private:
  const PreparedData& data_;
  std::span<const std::uint32_t> rows_;
  Execution execution_;
};

// Jets 0, 1, ... of the emulator, scaled.
class EmulatedInput final : public InputGenerator {
 public:
  EmulatedInput(EmulatedJets jets, Scaler scaler, Execution execution);
  Index features() const override { return std::ssize(scaler_.mean); }
  Index rows() const override { return jets_.rows; }
  void fill(Index first, Matrix x) const override;

 private:
  EmulatedJets jets_;
  Scaler scaler_;
  Execution execution_;
};

// The input of a transform, and what must live as long.
struct TransformInput {
  std::vector<std::string> feature_names, class_names;
  std::string source;
  Scaler scaler;
  std::unique_ptr<PreparedData> data;  // none when the jets are emulated as they are asked for
  std::vector<std::uint32_t> chosen;
  std::unique_ptr<InputGenerator> rows;
};

// `which`: train, validation or test rows of the split, or all of them. All of the emulated jets are made on
// the fly. The scaler is the expected one or, where there is none, fitted as for a training: to the training
// rows of the same data; of more than 200,000 jets made on the fly, to those of the first 200,000.
TransformInput open_input(const DataSettings& settings, const std::string& which, const Expectation& expected,
                          const Execution& execution, bool quiet);

}  // namespace jsc
