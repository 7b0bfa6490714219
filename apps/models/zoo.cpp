// The model zoo: the networks of the course labs and of the field, layer by layer as their authors list them.
#include "apps/models/model.hpp"

namespace jsc {

const std::vector<ZooEntry>& zoo() {
  static const std::vector<ZooEntry> entries = {
      {"jsc-tiny", "MASE's smallest: one linear layer", R"(name = "jsc-tiny"
layers = [
  { type = "batch_norm" },
  { type = "relu", inplace = true },
  { type = "linear", out = "classes" },
  { type = "relu", inplace = true },
]
)"},
      {"jsc-tiny-127", "jsc-tiny as it was until November 2023, with a second batch norm",
       R"(name = "jsc-tiny-127"
layers = [
  { type = "batch_norm" },
  { type = "relu", inplace = true },
  { type = "linear", out = "classes" },
  { type = "batch_norm" },
  { type = "relu", inplace = true },
]
)"},
      {"jsc-toy", "MASE's toy network: two hidden layers of 8", R"(name = "jsc-toy"
layers = [
  { type = "batch_norm" },
  { type = "relu", inplace = true },
  { type = "linear", out = 8 },
  { type = "batch_norm" },
  { type = "relu", inplace = true },
  { type = "linear", out = 8 },
  { type = "batch_norm" },
  { type = "relu", inplace = true },
  { type = "linear", out = "classes" },
  { type = "batch_norm" },
  { type = "relu", inplace = true },
]
)"},
      {"jsc-test", "the 17-module network of lab 1", R"(name = "jsc-test"
layers = [
  { type = "batch_norm" },
  { type = "relu", inplace = true },
  { type = "linear", out = 64 },
  { type = "batch_norm" },
  { type = "relu", inplace = true },
  { type = "linear", out = 128 },
  { type = "batch_norm" },
  { type = "relu", inplace = true },
  { type = "linear", out = 8 },
  { type = "batch_norm" },
  { type = "relu", inplace = true },
  { type = "linear", out = 8 },
  { type = "batch_norm" },
  { type = "relu", inplace = true },
  { type = "linear", out = "classes" },
  { type = "batch_norm" },
  { type = "relu", inplace = true },
]
)"},
      {"jsc-s", "LogicNets' small network", R"(name = "jsc-s"
container = "module_list"
layers = [
  { type = "batch_norm" },
  { type = "relu" },
  { type = "linear", out = 64 },
  { type = "batch_norm" },
  { type = "relu" },
  { type = "linear", out = 32 },
  { type = "relu" },
  { type = "linear", out = 32 },
  { type = "relu" },
  { type = "linear", out = 32 },
  { type = "relu" },
  { type = "linear", out = "classes" },
  { type = "batch_norm" },
  { type = "relu" },
]
)"},
      {"jsc-trt", "MASE's network for TensorRT, with dropout", R"(name = "jsc-trt"
layers = [
  { type = "batch_norm" },
  { type = "relu" },
  { type = "linear", out = 32 },
  { type = "batch_norm" },
  { type = "relu" },
  { type = "linear", out = 48 },
  { type = "batch_norm" },
  { type = "relu" },
  { type = "dropout", p = 0.5 },
  { type = "linear", out = 16 },
  { type = "batch_norm" },
  { type = "relu" },
  { type = "linear", out = "classes" },
  { type = "batch_norm" },
  { type = "relu" },
]
)"},
      {"jsc-hls4ml", "the 64-32-32 network of the hls4ml papers", R"(name = "jsc-hls4ml"
layers = [
  { type = "linear", out = 64 },
  { type = "relu" },
  { type = "linear", out = 32 },
  { type = "relu" },
  { type = "linear", out = 32 },
  { type = "relu" },
  { type = "linear", out = "classes" },
]
)"},
  };
  return entries;
}

}  // namespace jsc
