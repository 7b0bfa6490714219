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
  // Where `load` names a run folder or a file in one, and `settings`, already resolved, do not say which
  // data: the run's, with its label and its choice of rows as far as the settings do not say them either. The
  // default data would give numbers that have nothing to do with the training. Throws Error if the run's data
  // are not where its config.toml says.
  void take_from_run(Settings& settings, const std::string& load) const;
};

struct PreparedData {
  Dataset data;  // features already scaled
  Split split;
  Scaler scaler;
  std::string hash;     // of the data as loaded, before scaling
  std::string variant;  // "emulated", or the file's ending

  // train, validation or test rows of the split, or all.
  std::vector<std::uint32_t> rows(const std::string& which) const;
  Samples samples() const {
    return {data.x.get(), data.features, data.labelled() ? data.labels.data() : nullptr};
  }
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

// Loads, splits, and scales: by the expected scaler, or else by one fitted on the training rows. With
// optional labels, which need a scaler, rows too few for a split are left unsplit.
PreparedData prepare_data(const DataSettings& settings, const Expectation& expected, int threads, bool quiet,
                          LabelPolicy labels = LabelPolicy::required);

}  // namespace jsc
