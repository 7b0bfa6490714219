// The libraries that bench_ops compares with, by the names of its operations. Layouts are each library's own.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "engine/tensor.hpp"

namespace jsc {

// a and b are [features][batch]: input and d_y, or the two operands. Linear layers have w [out][in] and
// bias [out]; the others have none.
struct OpProblem {
  std::string op;
  ConstMatrix a, b{}, w{};
  const float* bias = nullptr;
  const std::int32_t* labels = nullptr;  // [batch], classes from 0
  const float* rows = nullptr;           // gather: [count][features]
  Index count = 0;
  const std::uint32_t* indices = nullptr;  // gather: [batch]
};

// `run` is empty where the library has no such operation.
struct OpPeer {
  std::function<void()> run;
  std::function<float(Index row, Index col)> result;  // in our orientation; empty where results are random
};

OpPeer eigen_op(const OpProblem& problem);
OpPeer torch_op(const OpProblem& problem);

}  // namespace jsc
