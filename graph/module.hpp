// What a graph node runs: a module (a layer with parameters and buffers) behind one small interface. The
// graph, the executor and the passes know nothing else of a layer, so quantised modules can be added without
// the graph hearing of them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/random.hpp"
#include "engine/tape.hpp"
#include "graph/metadata.hpp"

namespace jsc {

enum class Mode { train, evaluate };

struct BatchNormLayer;  // ops/batch_norm.hpp

// What a recording needs to know beside its inputs.
struct RecordContext {
  Mode mode = Mode::evaluate;
  RandomStream random{};  // for random layers; each call of a module gets a stream of its own
  bool relu = false;      // a ReLU follows and belongs to the step; only where fuses_relu() says so
  const BatchNormLayer* norm = nullptr;  // stands between; only where fuses_batch_norm() says so
};

// A trained tensor. The storage belongs to the graph's ParameterBlock; the views are null until the graph
// binds them.
struct Parameter {
  std::string name;          // "weight"
  std::vector<Index> shape;  // as PyTorch has it: {out, in} or {n}
  Matrix value;              // rows = shape[0], cols = shape[1]; a vector is one row
  Matrix gradient;

  Index rows() const { return shape.size() == 2 ? shape[0] : 1; }
  Index cols() const { return shape.back(); }
};

// What numbers a tensor consists of, as the metadata say it: MASE's name of the format and its parameters.
struct NumberType {
  std::string name = "float";
  MetaValue precision = MetaValue::array({32});
};

// A tensor that is kept but not trained: running statistics (float) or a counter (int64).
struct Buffer {
  std::string name;
  std::vector<Index> shape;  // {} for a counter
  std::variant<std::vector<float>, std::int64_t> value;
};

class Module {
 public:
  Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  virtual ~Module() = default;

  virtual std::string_view type() const = 0;  // PyTorch's class name: "Linear"
  virtual std::string_view op()
      const = 0;  // what it computes, by MASE's name: "linear"; a quantized Linear keeps it
  virtual std::string describe()
      const = 0;  // as PyTorch prints it: "Linear(in_features=16, out_features=5, bias=True)"

  // Rows of the output for inputs of these rows. Throws Error naming what was expected and found.
  virtual Index output_features(std::span<const Index> inputs) const = 0;

  // Appends the module's steps to the tape. `path` names its parameters in messages.
  virtual Variable record(Tape& tape, std::span<const Variable> inputs, const RecordContext& context,
                          std::string_view path) = 0;

  // Whether record() can take a ReLU that follows into its step: same bits, fewer passes over memory.
  virtual bool fuses_relu() const { return false; }
  // The same of an evaluated BatchNorm1d and a ReLU, where nobody wants gradients.
  virtual bool fuses_batch_norm() const { return false; }

  // The numbers of an argument ("data_in_0", "weight") or result ("data_out_0").
  virtual NumberType number_type(std::string_view tensor) const;

  // Changes when record() would yield other steps than it did before, so that a recording is to be made anew:
  // formats that are learned move.
  virtual std::uint64_t recording_key() const { return 0; }

  // Sets parameters and buffers to their starting values. Needs bound parameters.
  virtual void initialize(RandomStream stream);

  std::vector<Parameter>& parameters() { return parameters_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  std::vector<Buffer>& buffers() { return buffers_; }
  const std::vector<Buffer>& buffers() const { return buffers_; }

 protected:
  // The named parameter as a variable of the tape; an empty variable if there is none of that name.
  Variable parameter_variable(Tape& tape, std::string_view name, std::string_view path);

  std::vector<Parameter> parameters_;
  std::vector<Buffer> buffers_;
};

}  // namespace jsc
