// What happens to the numbers of an integer network: roundings, ties, overflows, extremes. Counted on the
// values of the reference executor.
#pragma once

#include <string>
#include <vector>

#include "engine/tensor.hpp"
#include "quant/integer/program.hpp"
#include "quant/verify.hpp"

namespace jsc {

class Ledger {
 public:
  // `program` must outlive the ledger.
  explicit Ledger(const IntegerProgram& program);

  // x [features][n] is the floats that the inputs were quantized from; values[v] is [n][features].
  void add(ConstMatrix x, const std::int64_t* const* values);
  void merge(const Ledger& other);
  // With headroom and proofs.
  std::vector<LedgerEntry> entries() const;

 private:
  const IntegerProgram& program_;
  std::vector<LedgerEntry> entries_;  // by value
};

// The arithmetic that led to one number: "w[3] = -17 * x[3] = 5", "bias = 2", ... for messages.
std::vector<std::string> operands_of(const IntegerProgram& program, const IntegerStep& step, Index feature,
                                     Index sample, const std::int64_t* const* values);

}  // namespace jsc
