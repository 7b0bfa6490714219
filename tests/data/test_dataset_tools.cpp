// Duplicates, shared rows, the fingerprint and the summary.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "apps/data/duplicates.hpp"
#include "apps/data/emulator.hpp"
#include "apps/data/summary.hpp"

using namespace jsc;
using Rows = std::vector<std::uint32_t>;

namespace {

Dataset small(const std::vector<float>& x, const std::vector<std::int32_t>& labels) {
  Dataset data;
  data.feature_names = {"a", "b"};
  data.class_names = {"p", "q"};
  data.features = 2;
  data.rows = std::ssize(x) / 2;
  data.x = make_aligned<float>(std::ssize(x));
  std::copy(x.begin(), x.end(), data.x.get());
  data.labels = labels;
  return data;
}

}  // namespace

TEST_CASE("duplicates are the same in features and label, and the first of them stays") {
  Dataset data = small({1, 2, 3, 4, 1, 2, 1, 2, 3, 4}, {0, 1, 0, 1, 1});
  CHECK(count_duplicates(data) == 2);
  CHECK(remove_duplicates(data) == 2);
  CHECK(data.rows == 3);
  CHECK(data.labels == std::vector<std::int32_t>{0, 1, 1});
  CHECK(data.row(2)[0] == 1.0F);
  CHECK(count_duplicates(data) == 0);
  Dataset jets = emulated_dataset(20000, 0, 1);
  CHECK(remove_duplicates(jets) == 0);
}

TEST_CASE("rows that occur on both sides of a split are counted") {
  const Dataset data = small({1, 2, 3, 4, 1, 2, 5, 6, 1, 2}, {0, 1, 0, 1, 1});
  CHECK(count_shared(data, Rows{0, 1}, Rows{2, 3, 4}) == 1);
  CHECK(count_shared(data, Rows{3}, Rows{0, 1, 2, 4}) == 0);
}

TEST_CASE("the hash tells names, labels and features") {
  const std::vector<float> x = {1, 2, 3, 4};
  const std::string hash = dataset_hash(small(x, {0, 1}));
  CHECK(hash.size() == 32);
  CHECK(hash == dataset_hash(small(x, {0, 1})));
  CHECK(hash != dataset_hash(small(x, {1, 0})));
  CHECK(hash != dataset_hash(small({1, 2, 3, 5}, {0, 1})));
  Dataset renamed = small(x, {0, 1});
  renamed.class_names = {"pq", ""};
  CHECK(hash != dataset_hash(renamed));
}

TEST_CASE("a summary has order statistics, classes, duplicates and what is not finite") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Dataset data = small({1, 10, 2, nan, 3, 30, 4, nan, 1, 10}, {0, 1, -1, 1, 0});
  const DataSummary summary = summarize(data, 2);
  CHECK(summary.rows == 5);
  CHECK(summary.features[0].min == 1);
  CHECK(summary.features[0].max == 4);
  CHECK(summary.features[0].mean == Approx(2.2));
  CHECK(summary.features[0].quantiles[2] == 2);
  CHECK(summary.features[0].quantiles[4] == Approx(3.96));  // numpy.quantile([1, 1, 2, 3, 4], 0.99)
  CHECK(summary.features[1].non_finite == 2);
  CHECK(summary.features[1].quantiles[2] == 10);
  CHECK(summary.class_rows == std::vector<Index>{2, 2});
  CHECK(summary.missing_labels == 1);
  CHECK(summary.duplicates == 1);
  CHECK(summary.non_finite == 2);
  CHECK(summary.hash == dataset_hash(data));
}
