// Kernels of batch normalization over one block of samples, all features in one call. See kernels.inc and
// lanes_io.hpp. Sums keep 16 lanes and end in the lanes' fixed tree (engine/threads.hpp), which is worked out
// for 16 rows at once; several rows go side by side, since the additions of one wait for each other.
#pragma once

#include "ops/kernels/lanes_io.hpp"
#include "ops/kernels/ops_kernels.hpp"

namespace jsc::ops_kernels_detail {

inline constexpr Index kRowsAtOnce = 4;

// Calls visit.template operator()<R>(row) for runs of R rows: kRowsAtOnce while there are as many, then one
// by one.
template <class Visit>
inline void for_row_runs(Index rows, const Visit& visit) {
  Index row = 0;
  for (; row + kRowsAtOnce <= rows; row += kRowsAtOnce) visit.template operator()<kRowsAtOnce>(row);
  for (; row < rows; ++row) visit.template operator()<1>(row);
}

// The trees of 16 rows' sums, or of fewer.
template <class L>
class RowSums {
 public:
  void put(Index row, typename L::F32 sum) { sums_[row] = sum; }
  typename L::F32 totals() const { return L::sum_lanes(sums_); }

 private:
  typename L::F32 sums_[kLanes] = {};
};

// Calls visit(first, rows) for runs of up to 16 rows.
template <class Visit>
inline void for_sixteen_rows(Index rows, const Visit& visit) {
  for (Index first = 0; first < rows; first += kLanes)
    visit(first, rows - first < kLanes ? rows - first : kLanes);
}

template <class L>
void moments(Index rows, Index n, const float* x, Index x_stride, float* sums, float* squares) {
  using F32 = typename L::F32;
  for_sixteen_rows(rows, [&](Index first, Index sixteen) {
    const float* const first_x = x + first * x_stride;
    RowSums<L> total_lanes, square_lanes;
    for_row_runs(sixteen, [&]<Index R>(Index row) {
      const float* from = first_x + row * x_stride;
      F32 total[R];
      for (Index r = 0; r < R; ++r) total[r] = F32::zero();
      for_each_group<L>(n, [&](Index i, auto group) {
        for (Index r = 0; r < R; ++r) total[r] = total[r] + group.load(from + r * x_stride + i);
      });
      for (Index r = 0; r < R; ++r) total_lanes.put(row + r, total[r]);
    });
    const F32 totals = total_lanes.totals();
    totals.store_first(sums + first, sixteen);
    alignas(kAlignment) float means[kLanes];
    (totals / F32::set(static_cast<float>(n))).store(means);
    for_row_runs(sixteen, [&]<Index R>(Index row) {
      const float* from = first_x + row * x_stride;
      F32 mean[R], square[R];
      for (Index r = 0; r < R; ++r) {
        mean[r] = F32::set(means[row + r]);
        square[r] = F32::zero();
      }
      for_each_group<L>(n, [&](Index i, auto group) {
        for (Index r = 0; r < R; ++r) {
          const F32 d = group.only(group.load(from + r * x_stride + i) - mean[r]);
          square[r] = fma(d, d, square[r]);
        }
      });
      for (Index r = 0; r < R; ++r) square_lanes.put(row + r, square[r]);
    });
    square_lanes.totals().store_first(squares + first, sixteen);
  });
}

// The numbers of one row in all lanes.
template <class L>
struct NormalizeLanes {
  using F32 = typename L::F32;
  F32 mean, scale, bias;
  NormalizeLanes() = default;
  NormalizeLanes(const NormalizeRows& norm, Index row)
      : mean(F32::set(norm.mean[row])),
        scale(F32::set(norm.scale[row])),
        bias(F32::set(norm.bias != nullptr ? norm.bias[row] : 0.0F)) {}
  // x - mean is wanted by all.
  F32 normalized(F32 centered) const { return fma(centered, scale, bias); }
  // d_y as it arrives at the normalization through the ReLU.
  F32 through_relu(F32 centered, F32 d_y) const {
    return select(normalized(centered) <= F32::zero(), F32::zero(), d_y);
  }
};

template <class L>
void normalize(Index rows, Index n, const NormalizeRows& norm, const float* x, Index x_stride, float* y,
               Index y_stride) {
  using F32 = typename L::F32;
  for (Index row = 0; row < rows; ++row, x += x_stride, y += y_stride) {
    const NormalizeLanes<L> k(norm, row);
    if (norm.relu)
      for_each_group<L>(n, [&](Index i, auto group) {
        group.store(y + i, max(F32::zero(), k.normalized(group.load(x + i) - k.mean)));
      });
    else
      for_each_group<L>(
          n, [&](Index i, auto group) { group.store(y + i, k.normalized(group.load(x + i) - k.mean)); });
  }
}

template <class L>
void affine(Index rows, Index n, const float* alpha, const float* beta, bool relu, const float* x,
            Index x_stride, float* y, Index y_stride) {
  using F32 = typename L::F32;
  for (Index row = 0; row < rows; ++row, x += x_stride, y += y_stride) {
    const F32 a = F32::set(alpha[row]), b = F32::set(beta[row]);
    if (relu)
      for_each_group<L>(n, [&](Index i, auto group) {
        group.store(y + i, max(F32::zero(), fma(group.load(x + i), a, b)));
      });
    else
      for_each_group<L>(n, [&](Index i, auto group) { group.store(y + i, fma(group.load(x + i), a, b)); });
  }
}

template <class L>
void batch_norm_sums(Index rows, Index n, const NormalizeRows& norm, const float* x, Index x_stride,
                     const float* d_y, Index d_y_stride, float* plain, float* centered) {
  using F32 = typename L::F32;
  for_sixteen_rows(rows, [&](Index first, Index sixteen) {
    RowSums<L> plain_lanes, centered_lanes;
    for_row_runs(sixteen, [&]<Index R>(Index row) {
      const float* from_x = x + (first + row) * x_stride;
      const float* from_d = d_y + (first + row) * d_y_stride;
      NormalizeLanes<L> k[R];
      F32 sum_d[R], sum_dx[R];
      for (Index r = 0; r < R; ++r) {
        k[r] = NormalizeLanes<L>(norm, first + row + r);
        sum_d[r] = sum_dx[r] = F32::zero();
      }
      const auto add = [&](auto relu) {
        for_each_group<L>(n, [&](Index i, auto group) {
          for (Index r = 0; r < R; ++r) {
            const F32 c = group.load(from_x + r * x_stride + i) - k[r].mean;
            F32 d = group.load(from_d + r * d_y_stride + i);  // 0 in the lanes that do not exist
            if constexpr (relu.value) d = k[r].through_relu(c, d);
            sum_d[r] = sum_d[r] + d;
            sum_dx[r] = fma(d, c, sum_dx[r]);
          }
        });
      };
      if (norm.relu)
        add(std::true_type{});
      else
        add(std::false_type{});
      for (Index r = 0; r < R; ++r) {
        plain_lanes.put(row + r, sum_d[r]);
        centered_lanes.put(row + r, sum_dx[r]);
      }
    });
    plain_lanes.totals().store_first(plain + first, sixteen);
    centered_lanes.totals().store_first(centered + first, sixteen);
  });
}

template <class L>
void batch_norm_backward(Index rows, Index n, const NormalizeRows& norm, const float* mean_d,
                         const float* slope, const float* x, Index x_stride, const float* d_y,
                         Index d_y_stride, float* d_x, Index d_x_stride, bool accumulate) {
  using F32 = typename L::F32;
  for (Index row = 0; row < rows; ++row, x += x_stride, d_y += d_y_stride, d_x += d_x_stride) {
    const NormalizeLanes<L> k(norm, row);
    const F32 m = F32::set(mean_d[row]), minus_slope = F32::set(-slope[row]);
    const auto run = [&](auto relu) {
      for_each_group<L>(n, [&](Index i, auto group) {
        const F32 c = group.load(x + i) - k.mean;
        F32 d = group.load(d_y + i);
        if constexpr (relu.value) d = k.through_relu(c, d);
        deliver<L>(group, d_x + i, k.scale * fma(c, minus_slope, d - m), accumulate);
      });
    };
    if (norm.relu)
      run(std::true_type{});
    else
      run(std::false_type{});
  }
}

}  // namespace jsc::ops_kernels_detail
