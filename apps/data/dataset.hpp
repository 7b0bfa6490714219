// A data set in memory: rows of float32 features and one class each. Every reader of this folder yields one,
// and what follows (split, scaler, batches) knows nothing of files. Any number of features and classes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/tensor.hpp"

namespace jsc {

struct Dataset {
  std::vector<std::string> feature_names;  // without the prefix j_
  std::vector<std::string> class_names;    // label k is class_names[k]
  Index rows = 0;
  Index features = 0;
  AlignedArray<float> x;                    // row-major [rows][features], as read (not standardised)
  std::vector<std::int32_t> labels;         // empty when the file has none and LoadOptions allows that
  std::string source;                       // what it was read from, as the user named it
  std::vector<std::string> warnings;        // one line each, for the program to show
  std::vector<std::string> label_warnings;  // the same, but that the labels may be wrong: never to be hidden

  const float* row(Index r) const { return x.get() + r * features; }
  float* row(Index r) { return x.get() + r * features; }
  bool labelled() const { return !labels.empty(); }
};

enum class NonFinite {
  error,
  drop,
  keep
};  // a missing, NaN or infinite cell: refuse the file, drop the row,
    // or keep it as NaN or infinity (to report on it)
enum class LabelPolicy { required, optional };  // optional: for inference; also admits a single class

struct LoadOptions {
  std::string label;                     // name of the label column, or one-hot columns "a,b,c"; empty: found
  std::vector<std::string> class_order;  // names by index, e.g. a checkpoint's; empty: the file decides
  std::vector<std::string> feature_names;  // columns wanted, in this order; empty: all
  Index feature_count = 0;                 // number of features expected; 0: any
  NonFinite non_finite = NonFinite::error;
  LabelPolicy label_policy = LabelPolicy::required;
  int threads = 1;  // the result does not depend on it
  std::function<void(std::int64_t done, std::int64_t total)>
      progress;  // bytes or rows, on the calling thread
};

// What a --data argument names: "emulated[:ROWS[:SEED]]", a path, or two paths "X.npy,y.npy". The format is
// told by the first bytes of the file, then by its extension (docs/formats.md).
Dataset load_dataset(const std::string& spec, const LoadOptions& options = {});

// The files that such an argument reads, labels beside a .npy file included; none of emulated jets.
std::vector<std::string> data_files(const std::string& spec);

}  // namespace jsc
