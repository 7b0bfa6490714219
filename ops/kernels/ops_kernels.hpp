// The table of ops' kernels: one pointer a kernel, one table an ISA, same bits from each.
#pragma once

#include <cstdint>

#include "engine/cpu.hpp"
#include "engine/tensor.hpp"

namespace jsc {

// What a cross-entropy compares with: q_c = on·[c = label] + off, each class weighted.
struct CrossEntropyTarget {
  Index classes;
  const float* class_weights;  // [classes]
  float weight_total;          // their sum
  float on;                    // 1 - label smoothing
  float off;                   // label smoothing / classes
};

struct CrossEntropySums {
  float loss;     // weighted, over the samples
  float weights;  // of the samples' labels
  std::int32_t correct;
};

// Of each row of a batch normalization, and whether a ReLU follows.
struct NormalizeRows {
  const float *mean, *scale, *bias;  // bias may be null, for 0
  bool relu;
};

struct SgdStep {
  float learning_rate;
  float weight_decay;  // added to the gradient; 0 for none
  float momentum;      // 0 for none: the buffer may then be null
  bool nesterov;
};

struct AdamStep {
  float weight_decay;  // added to the gradient (Adam); 0 for none
  float shrink;        // multiplies the parameter first (AdamW); 1 for none
  float beta1, beta2, one_minus_beta1, one_minus_beta2;
  float step_size;              // learning rate / (1 - beta1^t)
  float bias_correction2_sqrt;  // sqrt(1 - beta2^t)
  float eps;
};

struct OpsKernels {
#define JSC_OPS_KERNEL(name, result, arguments) result(*name) arguments;
#include "ops/kernels/kernels.inc"
#undef JSC_OPS_KERNEL
};

const OpsKernels& ops_kernels(Isa isa);

// One a translation unit; ops_kernels() chooses.
extern const OpsKernels kOpsKernelsPortable;
#ifdef JSC_X86_64
extern const OpsKernels kOpsKernelsAvx2;
extern const OpsKernels kOpsKernelsAvx512;
#endif

}  // namespace jsc
