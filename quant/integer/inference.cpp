#include "quant/integer/inference.hpp"

#include <algorithm>
#include <cmath>

#include "engine/error.hpp"
#include "quant/quantizer/integer.hpp"

namespace jsc {

namespace {

// Rows of packed numbers have room for pairs of registers of any instruction set.
constexpr Index kRoom = 2 * kLanes;
static_assert(IntegerInference::kBlock % kRoom == 0 && IntegerInference::kBlock >= kRowsOfOne);

LayerKernel kernel_of(const SourceKernels& kernels, LayerSource source, bool input_is_plain) {
  switch (source) {
    case LayerSource::input:
      return input_is_plain ? kernels.from_floats : kernels.from_words;
    case LayerSource::dot_bytes:
      return kernels.dot_bytes;
    case LayerSource::dot_shorts:
      return kernels.dot_shorts;
    case LayerSource::dot_split:
      return kernels.dot_split;
    case LayerSource::accumulate_halves:
      return kernels.accumulate_halves;
  }
  return nullptr;
}

// Formats whose quantization the kernel does (LayerArguments::floats).
bool is_plain(const fixed::Format& format) {
  return format.rounding == fixed::Rounding::rnd_conv && format.overflow == fixed::Overflow::sat &&
         format.width <= 21 && format.fraction() > -100 && format.fraction() < 100;
}

const std::int32_t* data_or_null(const std::vector<std::int32_t>& numbers) {
  return numbers.empty() ? nullptr : numbers.data();
}

}  // namespace

IntegerInference::IntegerInference(const IntegerProgram& program, Isa isa)
    : IntegerInference(program, isa, layer_kernels(isa)) {}

IntegerInference::IntegerInference(const IntegerProgram& program, Isa isa, const LayerKernels& kernels)
    : isa_(isa), kernels_(kernels) {
  check(program);
  const IntegerValue& result = program.values[static_cast<std::size_t>(program.result)];
  input_features_ = program.input_features();
  result_features_ = result.features;
  result_fraction_ = result.fraction;
  result_ = program.result;
  fused_ = fuse(program, kernels.samples.dot_bytes != nullptr);
  if (!fused_) {
    plain_ = std::make_unique<IntegerNetwork>(program);
    return;
  }
  input_is_plain_ = is_plain(fused_->input);
  buffer_rows_ = input_features_;
  for (const FusedLayer& fused : fused_->layers) {
    Layer& layer = layers_.emplace_back();
    layer.kernel = kernel_of(kernels.samples, fused.source, input_is_plain_);
    layer.kernel_of_one = kernel_of(kernels.one, fused.source, input_is_plain_);
    for (const FusedStep& step : fused.steps)
      layer.steps.push_back({step.operation, step.shift, step.a, step.b, data_or_null(step.weights),
                             data_or_null(step.offsets)});
    LayerArguments& a = layer.arguments;
    a.rows = fused.rows;
    a.steps = layer.steps.data();
    a.step_count = std::ssize(layer.steps);
    a.packing = fused.packing;
    a.largest = fused.largest;
    a.groups = fused.groups;
    a.weights = data_or_null(fused.weights);
    a.bias = data_or_null(fused.bias);
    a.low_weights = data_or_null(fused.low_weights);
    a.low_bias = data_or_null(fused.low_bias);
    buffer_rows_ = std::max(buffer_rows_, fused.rows);
  }
  has_kernels_of_one_ =
      std::ranges::all_of(layers_, [](const Layer& layer) { return layer.kernel_of_one != nullptr; });
  if (input_is_plain_) {
    LayerArguments& first = layers_[0].arguments;
    first.scale = std::ldexp(1.0F, fused_->input.fraction());
    first.low = static_cast<float>(fused_->input.min_raw());
    first.high = static_cast<float>(fused_->input.max_raw());
  }
}

IntegerInference::Workspace::Workspace(const IntegerInference& inference) {
  if (inference.plain_)
    plain_.emplace(*inference.plain_);
  else
    for (auto& buffer : buffers_) buffer = make_aligned<std::int32_t>(inference.buffer_rows_ * kBlock);
}

void IntegerInference::run(ConstMatrix x, Workspace& workspace) const {
  if (x.rows != input_features_ || x.cols > kBlock)
    fail("integer inference: expected {} features and at most {} samples, found {} and {}", input_features_,
         kBlock, x.rows, x.cols);
  if (plain_) return plain_->run(isa_, x, *workspace.plain_);
  const bool one = x.cols == 1 && has_kernels_of_one_;
  const Index stride = one ? 1 : round_up(x.cols, kRoom);
  int to = 0;
  if (!input_is_plain_) {
    quantize_to_raw(x, fused_->input, workspace.buffers_[1].get(), stride);
    for (Index f = 0; f < x.rows; ++f)  // what lies beyond the samples is not to be read unset
      std::fill_n(workspace.buffers_[1].get() + f * stride + x.cols, stride - x.cols, 0);
  }
  for (const Layer& layer : layers_) {
    LayerArguments a = layer.arguments;
    a.samples = x.cols;
    a.floats = x.data;
    a.floats_stride = x.stride;
    a.x = workspace.buffers_[1 - to].get();
    a.x_stride = stride;
    a.y = workspace.buffers_[to].get();
    a.y_stride = stride;
    (one ? layer.kernel_of_one : layer.kernel)(a);
    to = 1 - to;
  }
  workspace.result_ = workspace.buffers_[1 - to].get();
  workspace.stride_ = stride;
}

void IntegerInference::read(const Workspace& workspace, Index samples, std::int64_t* to, Index stride) const {
  if (plain_) return workspace.plain_->read(result_, samples, to, stride);
  for (Index f = 0; f < result_features_; ++f)
    std::copy_n(workspace.result_ + f * workspace.stride_, samples, to + f * stride);
}

void IntegerInference::argmax(const Workspace& workspace, Index samples, std::int32_t* classes) const {
  if (plain_) return plain_->argmax(isa_, *workspace.plain_, samples, classes);
  if (workspace.stride_ == 1)
    classes[0] = static_cast<std::int32_t>(
        std::max_element(workspace.result_, workspace.result_ + result_features_) - workspace.result_);
  else
    kernels_.argmax(result_features_, samples, workspace.result_, workspace.stride_, classes);
}

}  // namespace jsc
