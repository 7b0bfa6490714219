#include "apps/training/prepared_data.hpp"

#include <fmt/core.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>

#include "apps/data/duplicates.hpp"
#include "apps/report/progress.hpp"

namespace jsc {

namespace {

std::string variant_of(const std::string& spec) {
  if (spec.starts_with("emulated")) return "emulated";
  const std::string extension = std::filesystem::path(spec).extension().string();
  return extension.empty() ? "file" : extension.substr(1);
}

// Checkpoints keep names as JSON, which is UTF-8: better told before the training than after its first epoch.
void require_utf8(const std::string& source, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    try {
      static_cast<void>(nlohmann::json(name).dump());
    } catch (const nlohmann::json::type_error&) {
      fail("{}: expected names in UTF-8, found '{}'", source, name);
    }
  }
}

}  // namespace

void DataSettings::add_to(Settings& settings) {
  settings.add("data", &data, "emulated[:ROWS[:SEED]], or a CSV, ARFF, HDF5, .npy or .npz file").array();
  settings.add("label", &label, "label column, or one-hot columns with commas between (found if not given)")
      .array();
  settings
      .add("split", &split,
           "how rows are split: holdout keeps 20 % for the test and 10 % of the rest for validation; mase "
           "validates on the training rows")
      .choices({"holdout", "mase"});
  settings.add("drop_duplicates", &drop_duplicates, "keep only the first of equal rows");
  settings.add("non_finite", &non_finite, "rows with a missing or non-finite cell")
      .choices({"error", "drop"});
}

void DataSettings::take_from_run(Settings& settings, const std::string& load) const {
  namespace fs = std::filesystem;
  if (load.empty() || settings.is_set("data")) return;
  std::error_code ignored;
  const fs::path folder = fs::is_directory(load, ignored) ? fs::path(load) : fs::path(load).parent_path();
  const std::string config = (folder / "config.toml").string();
  if (!fs::exists(config, ignored)) return;
  settings.inherit(config, {"data", "label", "split", "drop_duplicates", "non_finite"});
  for (const std::string& file : data_files(data))
    if (!fs::exists(file, ignored))
      fail("{}: expected the data of the run at '{}', found no such file; --data says where they are now",
           config, file);
}

Dataset load_rows(const DataSettings& settings, const Expectation& expected, LabelPolicy labels, int threads,
                  bool quiet) {
  LoadOptions options;
  options.label = settings.label;
  options.class_order = expected.class_names;
  options.feature_names = expected.feature_names;
  options.non_finite = settings.non_finite == "drop"   ? NonFinite::drop
                       : settings.non_finite == "keep" ? NonFinite::keep
                                                       : NonFinite::error;
  options.label_policy = labels;
  options.threads = threads;
  std::unique_ptr<Progress> progress;
  options.progress = [&](std::int64_t done, std::int64_t total) {
    if (!progress) progress = std::make_unique<Progress>("reading " + settings.data, total, "", quiet);
    progress->update(done);
  };
  Dataset data = load_dataset(settings.data, options);
  progress.reset();
  require_utf8(data.source, data.feature_names);
  require_utf8(data.source, data.class_names);
  for (const std::string& warning : data.label_warnings) fmt::print(stderr, "warning: {}\n", warning);
  if (!quiet)
    for (const std::string& warning : data.warnings) fmt::print(stderr, "warning: {}\n", warning);
  return data;
}

PreparedData prepare_data(const DataSettings& settings, const Expectation& expected, int threads, bool quiet,
                          LabelPolicy labels) {
  JSC_ASSERT(labels == LabelPolicy::required || expected.scaler);
  PreparedData prepared;
  prepared.data = load_rows(settings, expected, labels, threads, quiet);
  Dataset& data = prepared.data;
  prepared.variant = variant_of(settings.data);
  prepared.hash = dataset_hash(data);
  const Index dropped = settings.drop_duplicates ? remove_duplicates(data) : 0;
  try {
    prepared.split = split_rows(data.rows, settings.split == "mase" ? SplitMode::mase : SplitMode::standard);
  } catch (const Error& error) {
    if (labels == LabelPolicy::required) fail("{}: {}", data.source, error.what());
  }
  const Index shared = count_shared(data, prepared.split.train, prepared.split.test);
  if (!quiet && dropped > 0) fmt::print(stderr, "{}: dropped {} duplicate rows\n", data.source, dropped);
  if (!quiet && shared > 0)
    fmt::print(
        stderr,
        "warning: {}: {} test rows also occur among the training rows (--drop-duplicates removes them)\n",
        data.source, shared);
  prepared.scaler =
      expected.scaler ? *expected.scaler : fit_scaler(data.x.get(), data.features, prepared.split.train);
  prepared.scaler.apply(data.x.get(), data.rows, data.features, threads);
  return prepared;
}

std::vector<std::uint32_t> PreparedData::rows(const std::string& which) const {
  if (which == "test") return split.test;
  if (which == "validation") return split.validation;
  if (which == "train") return split.train;
  JSC_ASSERT(which == "all");
  std::vector<std::uint32_t> all(static_cast<std::size_t>(data.rows));
  std::iota(all.begin(), all.end(), 0U);
  return all;
}

}  // namespace jsc
