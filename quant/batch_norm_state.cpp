#include "quant/batch_norm_state.hpp"

#include <algorithm>
#include <string>

namespace jsc {

namespace {

// The parameter's number, or `otherwise` if the normalization is not affine.
float number(const Module& module, const std::string& name, Index feature, float otherwise) {
  const auto found = std::ranges::find(module.parameters(), name, &Parameter::name);
  return found == module.parameters().end() ? otherwise : found->value.data[feature];
}

template <class Buffers>
auto& statistics(Buffers& buffers, std::size_t which) {
  return std::get<std::vector<float>>(buffers[which].value);
}

}  // namespace

BatchNormBuffers batch_norm_buffers(Module& module) {
  std::vector<Buffer>& buffers = module.buffers();
  return {statistics(buffers, 0).data(), statistics(buffers, 1).data(),
          &std::get<std::int64_t>(buffers[2].value)};
}

ScaleAndOffset running_scale_and_offset(const Module& module, std::string_view prefix, Index feature,
                                        double eps) {
  const auto f = static_cast<std::size_t>(feature);
  const float deviation = inverse_deviation(statistics(module.buffers(), 1)[f], static_cast<float>(eps));
  return scale_and_offset(number(module, std::string(prefix) + "weight", feature, 1.0F),
                          number(module, std::string(prefix) + "bias", feature, 0.0F),
                          statistics(module.buffers(), 0)[f], deviation);
}

void initialize_batch_norm(Module& module, std::string_view prefix) {
  for (Parameter& parameter : module.parameters()) {
    if (parameter.name == std::string(prefix) + "weight")
      std::fill_n(parameter.value.data, parameter.value.cols, 1.0F);
    if (parameter.name == std::string(prefix) + "bias")
      std::fill_n(parameter.value.data, parameter.value.cols, 0.0F);
  }
  std::vector<Buffer>& buffers = module.buffers();
  std::ranges::fill(statistics(buffers, 0), 0.0F);
  std::ranges::fill(statistics(buffers, 1), 1.0F);
  std::get<std::int64_t>(buffers[2].value) = 0;
}

}  // namespace jsc
