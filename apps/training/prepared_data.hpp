// From a data source to what training and evaluation read: rows in memory, split, scaled.
#pragma once

#include <optional>
#include <string>

#include "apps/data/dataset.hpp"
#include "apps/data/scaler.hpp"
#include "apps/data/split.hpp"
#include "apps/settings/settings.hpp"
#include "apps/training/evaluate.hpp"
#include "engine/error.hpp"

namespace jsc {

struct DataSettings {
  std::string data = "emulated";
  std::string label;
  std::string split = "holdout";
  bool drop_duplicates = false;
  std::string non_finite = "error";

  void add_to(Settings& settings);
};

struct PreparedData {
  Dataset data;  // features already scaled
  Split split;
  Scaler scaler;
  std::string hash;     // of the data as loaded, before scaling
  std::string variant;  // "emulated", or the file's ending

  Samples samples() const { return {data.x.get(), data.features, data.labels.data()}; }
};

// What a trained network demands of data; empty for a new one.
struct Expectation {
  std::vector<std::string> feature_names, class_names;
  std::optional<Scaler> scaler;
};

// The data are not those that an earlier training read under the same name.
class OtherDataError : public Error {
 public:
  using Error::Error;
};

// Loads with progress and warnings on standard error. Throws Error when expected features or classes are
// missing.
Dataset load_rows(const DataSettings& settings, const Expectation& expected, LabelPolicy labels, int threads,
                  bool quiet);

// Loads, splits, and scales: by the expected scaler, or else by one fitted on the training rows.
PreparedData prepare_data(const DataSettings& settings, const Expectation& expected, int threads, bool quiet);

}  // namespace jsc
