#include "apps/data/summary.hpp"

#include <algorithm>
#include <cmath>

#include "apps/data/duplicates.hpp"
#include "engine/threads.hpp"

namespace jsc {

namespace {

double quantile(const std::vector<float>& sorted, double level) {
  const double rank = level * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(rank);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double low = static_cast<double>(sorted[below]), high = static_cast<double>(sorted[above]);
  return low + (rank - static_cast<double>(below)) * (high - low);
}

FeatureSummary summarize_feature(const Dataset& data, Index f) {
  FeatureSummary summary;
  summary.name = data.feature_names[static_cast<std::size_t>(f)];
  std::vector<float> values;
  values.reserve(static_cast<std::size_t>(data.rows));
  double sum = 0;
  for (Index r = 0; r < data.rows; ++r) {
    const float value = data.row(r)[f];
    if (!std::isfinite(value)) continue;
    values.push_back(value);
    sum += static_cast<double>(value);
  }
  summary.non_finite = data.rows - std::ssize(values);
  if (values.empty()) return summary;
  std::sort(values.begin(), values.end());
  summary.min = static_cast<double>(values.front());
  summary.max = static_cast<double>(values.back());
  summary.mean = sum / static_cast<double>(values.size());
  for (std::size_t k = 0; k < kSummaryLevels.size(); ++k)
    summary.quantiles[k] = quantile(values, kSummaryLevels[k]);
  return summary;
}

}  // namespace

DataSummary summarize(const Dataset& data, int threads) {
  DataSummary summary;
  summary.source = data.source;
  summary.rows = data.rows;
  summary.features.resize(static_cast<std::size_t>(data.features));
  parallel_for(threads, data.features,
               [&](Index f) { summary.features[static_cast<std::size_t>(f)] = summarize_feature(data, f); });
  for (const FeatureSummary& feature : summary.features) summary.non_finite += feature.non_finite;
  summary.class_names = data.class_names;
  summary.class_rows.assign(data.class_names.size(), 0);
  for (const std::int32_t label : data.labels) {
    if (label < 0)
      ++summary.missing_labels;
    else
      ++summary.class_rows[static_cast<std::size_t>(label)];
  }
  summary.duplicates = count_duplicates(data);
  summary.hash = dataset_hash(data);
  return summary;
}

}  // namespace jsc
