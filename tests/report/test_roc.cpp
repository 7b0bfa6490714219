#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "apps/report/histogram.hpp"
#include "apps/report/roc.hpp"
#include "engine/random.hpp"

using namespace jsc;

namespace {

struct Sample {
  std::vector<float> scores;
  std::vector<bool> signal;
};

// Scores in a few steps, so that many are equal, or in many.
Sample random_sample(std::uint64_t seed, std::size_t rows, std::uint32_t levels) {
  Sample sample;
  for (std::size_t i = 0; i < rows; ++i) {
    const RandomStream stream{seed, levels};
    sample.signal.push_back(uniform_below(stream, 2 * i, 3) == 0);
    const float shift =
        sample.signal.back() ? static_cast<float>(levels / 4) : 0;  // whole, so that there are ties
    sample.scores.push_back(static_cast<float>(uniform_below(stream, 2 * i + 1, levels)) + shift);
  }
  return sample;
}

// Every pair, by the definition.
double counted_auc(const Sample& s) {
  std::int64_t doubled = 0, pairs = 0;
  for (std::size_t i = 0; i < s.scores.size(); ++i)
    for (std::size_t j = 0; j < s.scores.size(); ++j) {
      if (!s.signal[i] || s.signal[j]) continue;
      ++pairs;
      doubled += s.scores[i] > s.scores[j] ? 2 : s.scores[i] == s.scores[j] ? 1 : 0;
    }
  return static_cast<double>(doubled) / (2.0 * static_cast<double>(pairs));
}

// Every threshold, by the definition.
double counted_background(const Sample& s, double signal_efficiency) {
  double signal = 0, background = 0, best = -1;
  for (const bool is_signal : s.signal) ++(is_signal ? signal : background);
  float highest = -std::numeric_limits<float>::infinity();
  for (const float t : s.scores) {
    double above = 0, false_above = 0;
    for (std::size_t i = 0; i < s.scores.size(); ++i)
      if (s.scores[i] >= t) ++(s.signal[i] ? above : false_above);
    if (above / signal >= signal_efficiency && (best < 0 || t > highest)) {
      highest = t;
      best = false_above / background;
    }
  }
  return best;
}

}  // namespace

TEST_CASE("AUC is the share of pairs in the right order, ties counting one half") {
  for (std::uint64_t seed = 0; seed < 20; ++seed)
    for (const std::uint32_t levels : {1U, 2U, 7U, 100000U}) {
      const Sample sample = random_sample(seed, 50 + 13 * seed, levels);
      INFO("seed " << seed << ", levels " << levels);
      CHECK(Roc(sample.scores, sample.signal).auc() == counted_auc(sample));
    }
}

TEST_CASE("background efficiency is that of the highest threshold that lets enough signal through") {
  for (std::uint64_t seed = 0; seed < 10; ++seed)
    for (const std::uint32_t levels : {1U, 5U, 1000U}) {
      const Sample sample = random_sample(seed, 60 + 7 * seed, levels);
      const Roc roc(sample.scores, sample.signal);
      for (const double efficiency : {1e-6, 0.01, 0.25, 0.5, 0.75, 0.99, 1.0}) {
        INFO("seed " << seed << ", levels " << levels << ", efficiency " << efficiency);
        CHECK(roc.background_efficiency(efficiency) == counted_background(sample, efficiency));
      }
    }
}

TEST_CASE("a perfect, a useless and a reversed score, and infinite ones") {
  const float inf = std::numeric_limits<float>::infinity();
  CHECK(Roc(std::vector<float>{inf, 3, 2, -inf}, {true, true, false, false}).auc() == 1.0);
  CHECK(Roc(std::vector<float>{inf, inf, inf}, {true, false, false}).auc() == 0.5);
  CHECK(Roc(std::vector<float>{1, 2}, {true, false}).auc() == 0.0);
}

TEST_CASE("without signal or background there is no AUC") {
  CHECK_FALSE(Roc(std::vector<float>{1, 2}, {true, true}).auc());
  CHECK_FALSE(Roc(std::vector<float>{1, 2}, {false, false}).auc());
  CHECK_FALSE(Roc(std::vector<float>{}, {}).background_efficiency(0.5));
}

TEST_CASE("a histogram counts each row once, by class") {
  std::vector<double> values;
  std::vector<std::int32_t> labels;
  for (int i = 0; i < 2000; ++i) {
    values.push_back(std::sqrt(i) + 0.1);
    labels.push_back(i % 3);
  }
  values[7] = 1e30;
  values[9] = -1e30;
  const Histogram h = histogram_by_class(values, labels, 4);
  CHECK(h.bins() == 40);
  std::int64_t sum = h.below + h.above;
  for (const auto& counts : h.counts)
    for (const std::int64_t n : counts) sum += n;
  CHECK(sum == 2000);
  CHECK(h.rows == std::vector<std::int64_t>{667, 667, 666, 0});
  CHECK(h.edge(40) < 50);  // one wild value does not stretch the range
  CHECK(h.below > 0);
  CHECK(h.above > 0);
  // Each bin by its definition.
  for (std::size_t bin = 0; bin < h.bins(); ++bin) {
    std::int64_t expected = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const bool last = bin + 1 == h.bins() && std::abs(values[i] - h.edge(bin + 1)) < 1e-9;
      expected += labels[i] == 1 && values[i] >= h.edge(bin) && (values[i] < h.edge(bin + 1) || last) ? 1 : 0;
    }
    CHECK(std::abs(h.counts[1][bin] - expected) <= 1);  // a value on an edge may round to either side
  }
}

TEST_CASE("whole numbers get bins around whole numbers, and a constant a range around it") {
  std::vector<double> values;
  for (int i = 0; i < 1000; ++i) values.push_back(i % 25 + 1e-5);
  const std::vector<std::int32_t> labels(1000, 0);
  const Histogram h = histogram_by_class(values, labels, 1);
  CHECK(h.bins() == 25);
  CHECK(h.low == -0.5);
  CHECK(h.width == 1);
  for (const std::int64_t n : h.counts[0]) CHECK(n == 40);
  for (double& v : values) v *= 10;
  CHECK(histogram_by_class(values, labels, 1).width == 7);

  for (const double constant : {0.0, -3.0, 1e-30, 1e30}) {
    const Histogram one =
        histogram_by_class(std::vector<double>(100, constant), std::vector<std::int32_t>(100, 0), 1);
    CHECK(one.low < constant);
    CHECK(one.edge(one.bins()) > constant);
    CHECK(one.below + one.above == 0);
    std::int64_t sum = 0;
    for (const std::int64_t n : one.counts[0]) sum += n;
    CHECK(sum == 100);
  }
  CHECK(histogram_by_class(std::vector<double>{2.5}, std::vector<std::int32_t>{0}, 1).rows[0] == 1);
}
