// A statistic of a tensor, gathered from blocks of samples: MASE's seven, with its names, options and fields.
//
// The samples come in blocks of 512 (engine/threads.hpp). An accumulator takes blocks in ascending order; a
// run over many threads gives each fixed span of blocks an accumulator of its own and merges them in
// ascending order (graph/statistics/observe.hpp). Sums are doubles, so neither the number of threads nor the
// instruction set changes a bit.
//
// Where MASE's definition is wrong (spec ), ours is what the name says:
//   record           every value
//   variance_online  mean and population variance, M / n
//   variance_precise mean and unbiased variance, M / (n - 1)
//   range_n_sigma    mean -+ num_sigma standard deviations; var_mode "online" and "precise" as above
//   range_min_max    least and largest value
//   range_quantile   the quantiles 1 - q and q (graph/statistics/quantiles.hpp)
//   abs_mean         mean of |x|
// `dims` is "all", null or a list with every statistic that has it (graph/statistics/reduction.hpp). Values
// that need two elements are "NA" where there is one, and `count` is always there.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tensor.hpp"
#include "graph/passes/pass.hpp"

namespace jsc {

class Accumulator {
 public:
  virtual ~Accumulator() = default;
  // Row r holds element r of every sample, a column is a sample. The values must be finite.
  virtual void add(ConstMatrix block) = 0;
  // Takes in what `later`, made alike, has taken in: samples that come after all of this one's.
  virtual void merge(const Accumulator& later) = 0;
  virtual void clear() = 0;
};

class Statistic : public Accumulator {
 public:
  virtual MetaValue result() const = 0;  // {field: value}
};

// What an accumulator will be fed: known beforehand, so that memory is bounded.
struct SampleLayout {
  std::vector<Index> shape;  // of one sample: {1, features} for activations, the tensor's own for weights
  Index samples = 0;
  Index elements() const;  // of one sample
};

struct StatisticKind {
  std::string_view name;
  std::vector<PassOption> options;  // kinds as a pass's, and "dims"
  std::unique_ptr<Statistic> (*make)(const MetaValue& options, const SampleLayout& layout);
};

std::span<const StatisticKind> statistic_kinds();

// A statistic that was asked for: its options are complete and valid.
struct StatisticRequest {
  const StatisticKind* kind = nullptr;
  MetaValue options;
  std::string where;  // for messages
  std::unique_ptr<Statistic> make(const SampleLayout& layout) const;
};

// A table {statistic: options}. Throws Error, beginning with `where`, for a statistic or an option that does
// not exist (with the nearest name) and for a value out of its range.
std::vector<StatisticRequest> parse_statistics(const MetaValue& table, std::string_view where);

}  // namespace jsc
