// What `jsc-train data info` says of a data set, as values; the program prints them.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "apps/data/dataset.hpp"

namespace jsc {

inline constexpr std::array<double, 5> kSummaryLevels = {0.01, 0.25, 0.5, 0.75, 0.99};

struct FeatureSummary {  // of the finite values; all 0 when there are none
  std::string name;
  double min = 0, mean = 0, max = 0;
  std::array<double, kSummaryLevels.size()> quantiles =
      {};  // linear between order statistics, as NumPy's default
  Index non_finite = 0;
};

struct DataSummary {
  std::string source;
  Index rows = 0;
  std::vector<FeatureSummary> features;
  std::vector<std::string> class_names;
  std::vector<Index> class_rows;  // one a class
  Index missing_labels = 0;
  Index duplicates = 0;
  Index non_finite = 0;  // cells
  std::string hash;
};

DataSummary summarize(const Dataset& data, int threads = 1);

}  // namespace jsc
