// What happens to the numbers of an integer network: roundings, ties, overflows, extremes. Counted on the
// values of the reference executor.
#pragma once

#include <string>
#include <vector>

#include "engine/cpu.hpp"
#include "engine/tensor.hpp"
#include "quant/integer/program.hpp"
#include "quant/kernels/integer_kernels.hpp"
#include "quant/verify.hpp"

namespace jsc {

class Ledger {
 public:
  // `program` must outlive the ledger; its numbers are below 2^62. The instruction set changes the speed
  // only.
  explicit Ledger(const IntegerProgram& program, Isa isa = Isa::portable);

  // x [features][n] is the floats that the inputs were quantized from; values[v] is [n][features].
  void add(ConstMatrix x, const std::int64_t* const* values);
  void merge(const Ledger& other);
  // With headroom and proofs.
  std::vector<LedgerEntry> entries() const;

 private:
  // The casts of one step: of a quantize step, or the three of an accumulator.
  struct StepCasts {
    CastEvents<std::int64_t> quantize, bias, product, sum;
  };
  void count_accumulation(std::size_t step, Index n, const std::int64_t* from);

  const IntegerProgram& program_;
  Isa isa_;
  std::vector<LedgerEntry> entries_;  // by value
  std::vector<StepCasts> casts_;      // by step
  std::vector<std::int64_t> rows_, row_, sums_;
};

// The arithmetic that led to one number: "w[3] = -17 * x[3] = 5", "bias = 2", ... for messages.
std::vector<std::string> operands_of(const IntegerProgram& program, const IntegerStep& step, Index feature,
                                     Index sample, const std::int64_t* const* values);

}  // namespace jsc
