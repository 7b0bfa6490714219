// The frame of every statistic that reduces: one State for each group of elements that share a result.
//   struct State { void add(const float* x, Index n); void merge(const State& later); void clear();
//                  std::int64_t count; }
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "engine/threads.hpp"
#include "graph/statistics/reduction.hpp"

namespace jsc {

template <class State>
class Grouped : public Statistic {
 public:
  // With `absolute` the statistic is that of |x|.
  Grouped(Reduction reduction, std::vector<State> states, bool absolute)
      : reduction_(std::move(reduction)), states_(std::move(states)), absolute_(absolute) {}

  void add(ConstMatrix block) final {
    std::array<float, kSampleBlock> magnitudes;
    for (Index begin = 0; begin < block.cols; begin += kSampleBlock) {
      const Index n = std::min(kSampleBlock, block.cols - begin);
      for (Index row = 0; row < block.rows; ++row) {
        const float* x = block.row(row) + begin;
        if (absolute_) {
          for (Index i = 0; i < n; ++i) magnitudes[static_cast<std::size_t>(i)] = std::fabs(x[i]);
          x = magnitudes.data();
        }
        states_[static_cast<std::size_t>(reduction_.group(row))].add(x, n);
      }
    }
  }

  void merge(const Accumulator& later) final {
    const auto& other = static_cast<const Grouped&>(later);
    for (std::size_t g = 0; g < states_.size(); ++g) states_[g].merge(other.states_[g]);
  }

  void clear() final {
    for (State& state : states_) state.clear();
  }

 protected:
  // The same for every group.
  std::int64_t count() const { return states_[0].count; }

  const std::vector<State>& states() const { return states_; }

  // One number a group in the shape of the kept dimensions; "NA" below `needed` elements a group.
  MetaValue shaped(std::span<const double> values, std::int64_t needed = 1) const {
    if (count() < needed) return "NA";
    return reduction_.nested(values);
  }
  template <class Value>
  MetaValue each(const Value& value, std::int64_t needed = 1) const {
    std::vector<double> values;
    for (const State& state : states_) values.push_back(value(state));
    return shaped(values, needed);
  }

 private:
  Reduction reduction_;
  std::vector<State> states_;
  bool absolute_;
};

}  // namespace jsc
