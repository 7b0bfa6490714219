#include "graph/functions.hpp"

#include <string>

#include "ops/add.hpp"
#include "ops/linear.hpp"
#include "ops/mul.hpp"
#include "ops/relu.hpp"
#include "ops/softmax.hpp"
#include "ops/sub.hpp"
#include "ops/transpose.hpp"

namespace jsc {

namespace {

Index same_pair(std::span<const Index> inputs) {
  if (inputs.size() != 2) fail("expected two inputs, found {}", inputs.size());
  if (inputs[0] != inputs[1])
    fail("expected two inputs of the same size, found {} and {} features", inputs[0], inputs[1]);
  return inputs[0];
}

// An activation and a parameter [in][out]; check_operands (graph.hpp) has seen that they fit.
Index columns_of_right(std::span<const Index> inputs) {
  if (inputs.size() != 2) fail("expected two inputs, found {}", inputs.size());
  return inputs[1];
}

Index same_single(std::span<const Index> inputs) {
  if (inputs.size() != 1) fail("expected one input, found {}", inputs.size());
  return inputs[0];
}

constexpr Function kFunctions[] = {
    {"add", "operator.add", same_pair,
     [](Tape& tape, std::span<const Variable> v) { return add(tape, v[0], v[1]); }},
    {"sub", "operator.sub", same_pair,
     [](Tape& tape, std::span<const Variable> v) { return sub(tape, v[0], v[1]); }},
    {"mul", "operator.mul", same_pair,
     [](Tape& tape, std::span<const Variable> v) { return mul(tape, v[0], v[1]); }},
    // x W of samples in rows is Wᵀ x of samples in columns: linear's product.
    {"matmul", "torch.matmul", columns_of_right,
     [](Tape& tape, std::span<const Variable> v) { return linear(tape, v[0], transpose(tape, v[1]), {}); }},
    {"relu", "torch.nn.functional.relu", same_single,
     [](Tape& tape, std::span<const Variable> v) { return relu(tape, v[0]); }},
    {"softmax", "torch.nn.functional.softmax", same_single,
     [](Tape& tape, std::span<const Variable> v) { return softmax(tape, v[0]); }},
};

}  // namespace

std::span<const Function> functions() {
  return kFunctions;
}

const Function& find_function(std::string_view name) {
  std::string known;
  for (const Function& function : kFunctions) {
    if (function.name == name) return function;
    known += known.empty() ? "" : ", ";
    known += function.name;
  }
  fail("there is no function '{}' (known: {})", name, known);
}

}  // namespace jsc
