// Integer networks at speed: the program with its weights laid out for the kernels (quant/kernels), in int32
// where every number fits and in int64 otherwise. Equal to run_reference in every bit, on every instruction
// set.
//
//   const IntegerNetwork network(lower(graph));
//   IntegerNetwork::Workspace workspace(network);          // one a thread
//   network.run(isa, x, workspace);                        // x: floats [features][samples]
//   workspace.value(network.program().result, ...)
#pragma once

#include <variant>
#include <vector>

#include "engine/cpu.hpp"
#include "engine/tensor.hpp"
#include "quant/integer/program.hpp"

namespace jsc {

class IntegerNetwork {
 public:
  // Samples that a workspace takes at a time.
  static constexpr Index kBlock = 512;

  // Throws Error if the program does not pass check().
  explicit IntegerNetwork(IntegerProgram program);
  const IntegerProgram& program() const { return program_; }
  // Bits of the numbers that it computes with: 32 or 64.
  int word_bits() const { return std::holds_alternative<Layout<std::int32_t>>(layout_) ? 32 : 64; }

  // The memory of one run: every value of the program, [features][kBlock]. Running allocates nothing.
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
  void argmax(const Workspace& workspace, Index samples, std::int32_t* classes) const;

 private:
  template <class T>
  struct StepLayout {
    AlignedArray<T> weights, bias;
  };
  template <class T>
  struct Layout {
    std::vector<StepLayout<T>> steps;
  };
  template <class T>
  Layout<T> lay_out() const;
  template <class T>
  void run_steps(Isa isa, Index samples, const Layout<T>& layout, Workspace::Values<T>& values) const;

  IntegerProgram program_;
  std::variant<Layout<std::int32_t>, Layout<std::int64_t>> layout_;
};

}  // namespace jsc
