// The operations once more in plain double, forward only: what gradients are checked against by central
// differences. A Corners object notes on which side of every corner (ReLU, hardtanh) a value fell, so that a
// difference taken across a corner can be left out.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "engine/tensor.hpp"

namespace jsc::exact {

struct Array {
  Index rows = 0, cols = 0;
  std::vector<double> v = {};
  Array() = default;
  Array(Index r, Index c) : rows(r), cols(c), v(static_cast<std::size_t>(r * c)) {}
  double& operator()(Index r, Index c) { return v[static_cast<std::size_t>(r * cols + c)]; }
  double operator()(Index r, Index c) const { return v[static_cast<std::size_t>(r * cols + c)]; }
};

struct Corners {
  std::uint64_t sides = 0;
  void note(bool side) { sides = sides * 6364136223846793005U + (side ? 3 : 1); }
};

template <class F>
Array map(const Array& x, const F& f) {
  Array y = x;
  for (double& value : y.v) value = f(value);
  return y;
}

template <class F>
Array zip(const Array& a, const Array& b, const F& f) {
  Array y = a;
  for (std::size_t i = 0; i < y.v.size(); ++i) y.v[i] = f(a.v[i], b.v[i]);
  return y;
}

inline Array relu(const Array& x, Corners& corners, double slope = 0.0) {
  return map(x, [&](double v) {
    corners.note(v > 0.0);
    return v > 0.0 ? v : slope * v;
  });
}

inline Array hardtanh(const Array& x, double lo, double hi, Corners& corners) {
  return map(x, [&](double v) {
    corners.note(v > lo);
    corners.note(v > hi);
    return std::clamp(v, lo, hi);
  });
}

inline Array matmul(const Array& a, const Array& b) {
  Array y(a.rows, b.cols);
  for (Index i = 0; i < a.rows; ++i)
    for (Index j = 0; j < b.cols; ++j)
      for (Index k = 0; k < a.cols; ++k) y(i, j) += a(i, k) * b(k, j);
  return y;
}

inline Array transpose(const Array& a) {
  Array y(a.cols, a.rows);
  for (Index i = 0; i < y.rows; ++i)
    for (Index j = 0; j < y.cols; ++j) y(i, j) = a(j, i);
  return y;
}

inline Array linear(const Array& x, const Array& weight, const Array& bias) {
  Array y = matmul(weight, x);
  for (Index r = 0; r < y.rows; ++r)
    for (Index c = 0; c < y.cols; ++c) y(r, c) += bias(0, r);
  return y;
}

inline Array normalize(const Array& x, const Array& weight, const Array& bias,
                       const std::vector<double>& mean, const std::vector<double>& variance, double eps) {
  Array y = x;
  for (Index f = 0; f < x.rows; ++f)
    for (Index i = 0; i < x.cols; ++i) {
      const std::size_t k = static_cast<std::size_t>(f);
      y(f, i) = (x(f, i) - mean[k]) / std::sqrt(variance[k] + eps) * weight(0, f) + bias(0, f);
    }
  return y;
}

inline Array batch_norm(const Array& x, const Array& weight, const Array& bias, double eps) {
  std::vector<double> mean(static_cast<std::size_t>(x.rows)), variance(mean.size());
  const double n = static_cast<double>(x.cols);
  for (Index f = 0; f < x.rows; ++f) {
    const std::size_t k = static_cast<std::size_t>(f);
    for (Index i = 0; i < x.cols; ++i) mean[k] += x(f, i) / n;
    for (Index i = 0; i < x.cols; ++i) variance[k] += (x(f, i) - mean[k]) * (x(f, i) - mean[k]) / n;
  }
  return normalize(x, weight, bias, mean, variance, eps);
}

inline Array softmax(const Array& x) {
  Array y = map(x, [](double v) { return std::exp(v); });
  for (Index i = 0; i < x.cols; ++i) {
    double total = 0.0;
    for (Index c = 0; c < x.rows; ++c) total += y(c, i);
    for (Index c = 0; c < x.rows; ++c) y(c, i) /= total;
  }
  return y;
}

// As PyTorch documents it, term by term.
inline double cross_entropy(const Array& logits, const std::vector<std::int32_t>& labels,
                            const std::vector<float>& weights, double smoothing) {
  const Array p = softmax(logits);
  double hit = 0.0, smooth = 0.0, total = 0.0;
  for (Index i = 0; i < p.cols; ++i) {
    const Index label = labels[static_cast<std::size_t>(i)];
    const auto weight = [&](Index c) {
      return weights.empty() ? 1.0 : static_cast<double>(weights[static_cast<std::size_t>(c)]);
    };
    hit -= weight(label) * std::log(p(label, i));
    for (Index c = 0; c < p.rows; ++c) smooth -= weight(c) * std::log(p(c, i));
    total += weight(label);
  }
  return (1.0 - smoothing) * hit / total + smoothing / static_cast<double>(p.rows) * smooth / total;
}

inline double mse(const Array& y, const Array& target) {
  double total = 0.0;
  for (std::size_t i = 0; i < y.v.size(); ++i) total += (y.v[i] - target.v[i]) * (y.v[i] - target.v[i]);
  return total / static_cast<double>(y.v.size());
}

}  // namespace jsc::exact
