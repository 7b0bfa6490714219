// Integer networks as fast as they go, for their result alone: fused layers (fuse.hpp) on the kernels of one
// instruction set, or IntegerNetwork where a program does not fuse. Equal to run_reference in every bit.
//
//   const IntegerInference inference(lower(graph), detected_isa());
//   IntegerInference::Workspace workspace(inference);             // one a thread
//   inference.run(x, workspace);                                  // x: floats [features][samples]
//   inference.argmax(workspace, samples, classes);                // or read()
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "quant/integer/fuse.hpp"
#include "quant/integer/network.hpp"
#include "quant/kernels/layer_kernels.hpp"

namespace jsc {

class IntegerInference {
 public:
  // Samples that a workspace takes at a time: what lies between layers stays in the first-level cache.
  static constexpr Index kBlock = 128;

  // Throws Error if the program does not pass check().
  IntegerInference(const IntegerProgram& program, Isa isa);
  IntegerInference(const IntegerProgram& program, Isa isa, const LayerKernels& kernels);
  IntegerInference(const IntegerInference&) = delete;
  IntegerInference& operator=(const IntegerInference&) = delete;

  // Whether the program is fused: several times as fast as IntegerNetwork.
  bool is_fused() const { return !layers_.empty(); }
  Index input_features() const { return input_features_; }
  Index result_features() const { return result_features_; }
  int result_fraction() const { return result_fraction_; }

  // The memory of one run. Running allocates nothing.
  class Workspace {
   public:
    explicit Workspace(const IntegerInference& inference);

   private:
    friend class IntegerInference;
    AlignedArray<std::int32_t> buffers_[2];  // what goes into a layer and what comes out
    const std::int32_t* result_ = nullptr;   // [result features][stride]
    Index stride_ = 0;
    std::optional<IntegerNetwork::Workspace> plain_;
  };

  // Quantizes x [features][samples], samples <= kBlock, and runs. Re-entrant for different workspaces.
  void run(ConstMatrix x, Workspace& workspace) const;
  // The result's integers, [result features][stride].
  void read(const Workspace& workspace, Index samples, std::int64_t* to, Index stride) const;
  // The class with the largest result, the first of equals; [samples].
  void argmax(const Workspace& workspace, Index samples, std::int32_t* classes) const;

 private:
  Isa isa_;
  const LayerKernels& kernels_;
  Index input_features_ = 0, result_features_ = 0;
  int result_fraction_ = 0, result_ = 0;
  // One of the two.
  std::optional<FusedNetwork> fused_;
  std::unique_ptr<IntegerNetwork> plain_;

  // The layers of fused_ as calls, lacking what a run brings.
  struct Layer {
    LayerKernel kernel = nullptr;
    LayerKernel kernel_of_one = nullptr;
    LayerArguments arguments;
    std::vector<LaneStep> steps;
  };
  std::vector<Layer> layers_;
  bool input_is_plain_ = false;  // quantized by the kernel
  bool has_kernels_of_one_ = false;
  Index buffer_rows_ = 0;
};

}  // namespace jsc
