// Integer networks at speed: the program with its weights laid out for the kernels (quant/kernels), in int32
// where every number fits and in int64 otherwise. Equal to run_reference in every bit, on every instruction
// set.
//
//   const IntegerNetwork network(lower(graph));
//   IntegerNetwork::Workspace workspace(network);          // one a thread
//   network.run(isa, x, workspace);                        // x: floats [features][samples]
//   workspace.value(network.program().result, ...)
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "engine/cpu.hpp"
#include "engine/tensor.hpp"
#include "quant/integer/program.hpp"
#include "quant/kernels/integer_kernels.hpp"

namespace jsc {

class IntegerNetwork {
 public:
  // Samples that a workspace takes at a time.
  static constexpr Index kBlock = 256;

  // Throws Error if the program does not pass check().
  explicit IntegerNetwork(IntegerProgram program);
  const IntegerProgram& program() const { return program_; }
  // Bits of the numbers that it computes with: 32 or 64.
  int word_bits() const { return std::holds_alternative<Layout<std::int32_t>>(layout_) ? 32 : 64; }

  // The memory of one run: every value of the program. Running allocates nothing.
  class Workspace {
   public:
    explicit Workspace(const IntegerNetwork& network);
    // Widened to int64, for looking; [features][stride].
    void read(int value, Index samples, std::int64_t* to, Index stride) const;
    std::int64_t at(int value, Index feature, Index sample) const;

   private:
    friend class IntegerNetwork;
    template <class T>
    struct Values {
      AlignedArray<T> memory;
      std::vector<T*> of;
      AlignedArray<T> scratch;
      Index stride;  // of the last run
    };
    std::vector<Index> features_;
    std::variant<Values<std::int32_t>, Values<std::int64_t>> values_;
  };

  // Quantizes x [features][samples], samples <= kBlock, and runs. Re-entrant for different workspaces.
  void run(Isa isa, ConstMatrix x, Workspace& workspace) const;
  // The same for inputs that are integers already: inputs[i] is [features][stride] of program().inputs[i].
  void run(Isa isa, Index samples, const std::int64_t* const* inputs, Index stride,
           Workspace& workspace) const;
  // The class with the largest result, the first of equals; [samples].
  void argmax(Isa isa, const Workspace& workspace, Index samples, std::int32_t* classes) const;

 private:
  // Of a value's rows: as short as the samples allow, and at full length no power of two, or the numbers of a
  // sample would share few sets of the cache.
  static constexpr Index kStride = kBlock + kLanes;
  static constexpr Index stride_for(Index samples) {
    return samples > kBlock / 2 ? kStride : round_up(samples, kLanes);
  }

  // Weights stored 4 or 2 to a 32-bit word (DotArguments), where the numbers allow it.
  struct Dots {
    AlignedArray<std::int32_t> weights;  // null: they do not
    AlignedArray<std::int32_t> bias;
    Index groups = 0;
    int offset = 0;  // added to the inputs, and taken off again by the bias
    int align = 0;
  };
  template <class T>
  struct StepLayout {
    AlignedArray<T> weights, bias;
    Dots bytes, shorts;
    // The accumulator's casts of products, where a kernel has them fused (AccumulateArguments).
    std::optional<CastPlan<T>> product;
  };
  template <class T>
  struct Layout {
    std::vector<StepLayout<T>> steps;
  };
  template <class T>
  Layout<T> lay_out() const;
  Dots lay_out_dots(const IntegerStep& step, int per_word) const;
  bool run_dots(const IntegerKernels& kernels, const StepLayout<std::int32_t>& laid, const IntegerStep& step,
                Index samples, Workspace::Values<std::int32_t>& values) const;
  template <class T>
  void run_steps(Isa isa, Index samples, const Layout<T>& layout, Workspace::Values<T>& values) const;

  IntegerProgram program_;
  std::variant<Layout<std::int32_t>, Layout<std::int64_t>> layout_;
};

}  // namespace jsc
