// Each statistic against its definition, written plainly in double.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "graph/statistics/statistic.hpp"
#include "tests/passes_stats/random_values.hpp"

using namespace jsc;
using Catch::Contains;

namespace {

// Double sums of up to 40,000 float32 values in two orders differ by some 1e-16 sqrt(n); a formula broken on
// purpose (n - 1 for n at 1,500 values) is off by 1e-4.
constexpr double kSums = 1e-12;

StatisticRequest request(const std::string& name, const MetaValue& options = MetaValue::object()) {
  MetaValue table = MetaValue::object();
  table[name] = options;
  return parse_statistics(table, "test")[0];
}

std::unique_ptr<Statistic> make(const std::string& name, const MetaValue& options, const Tensor& data) {
  return request(name, options).make({{1, data.rows()}, data.cols()});
}

MetaValue result_of(const std::string& name, const MetaValue& options, const Tensor& data) {
  const auto statistic = make(name, options, data);
  statistic->add(data.view());
  return statistic->result();
}

double number(const MetaValue& value) {
  return value.get<double>();
}

bool near(const MetaValue& found, double expected) {
  INFO("found " << found.dump() << ", expected " << expected);
  return std::fabs(number(found) - expected) <= kSums * std::max(1.0, std::fabs(expected));
}

// The values that one result is about: all, or those of one feature.
std::vector<double> values_of(const Tensor& data, Index feature, bool absolute) {
  std::vector<double> values;
  for (Index r = 0; r < data.rows(); ++r)
    for (Index c = 0; c < data.cols(); ++c)
      if (feature < 0 || feature == r)
        values.push_back(absolute ? std::fabs(static_cast<double>(data(r, c))) : data(r, c));
  return values;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

double variance(const std::vector<double>& values, double divisor_less) {
  double sum = 0;
  for (double v : values) sum += (v - mean(values)) * (v - mean(values));
  return sum / (static_cast<double>(values.size()) - divisor_less);
}

double quantile(std::vector<double> values, double q) {
  std::ranges::sort(values);
  const double rank = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(rank);
  const double w = rank - std::floor(rank);
  if (below + 1 == values.size()) return values[below];
  return values[below] * (1 - w) + values[below + 1] * w;
}

// Result `field` for one feature where features are kept apart: null keeps the sample's shape [1, features],
// [0] drops its first dimension.
MetaValue pick(const MetaValue& result, const std::string& field, const MetaValue& dims, Index feature) {
  if (feature < 0) return result[field];
  const auto f = static_cast<std::size_t>(feature);
  return dims.is_null() ? result[field][0][f] : result[field][f];
}

const MetaValue kDimsUnderTest[] = {"all", nullptr, {0}, {-2}, {0, 1}};

}  // namespace

TEST_CASE("every statistic is what its definition says, for each dims") {
  const Tensor data = random_tensor(7, 211, 1);
  for (const MetaValue& dims : kDimsUnderTest)
    for (const bool absolute : {false, true}) {
      const bool apart = dims.is_null() || (dims.is_array() && dims.size() == 1);
      INFO("dims " << dims.dump() << " abs " << absolute);
      const MetaValue plain = {{"dims", dims}};
      const MetaValue with_abs = {{"dims", dims}, {"abs", absolute}};
      const MetaValue precise = {
          {"dims", dims}, {"abs", absolute}, {"var_mode", "precise"}, {"num_sigma", 2}};
      const MetaValue ninety = {{"dims", dims}, {"abs", absolute}, {"quantile", 0.9}};
      for (Index feature = apart ? 0 : -1; feature < (apart ? data.rows() : 0); ++feature) {
        const std::vector<double> values = values_of(data, feature, absolute);
        const std::vector<double> signs = values_of(data, feature, false);
        const auto at = [&](const std::string& name, const MetaValue& options, const std::string& field) {
          return pick(result_of(name, options, data), field, dims, feature);
        };
        CHECK(near(at("variance_online", plain, "mean"), mean(signs)));
        CHECK(near(at("variance_online", plain, "variance"), variance(signs, 0)));
        CHECK(near(at("variance_precise", plain, "variance"), variance(signs, 1)));
        CHECK(near(at("abs_mean", plain, "abs_mean"), mean(values_of(data, feature, true))));
        CHECK(number(at("range_min_max", with_abs, "min")) == *std::ranges::min_element(values));
        CHECK(number(at("range_min_max", with_abs, "max")) == *std::ranges::max_element(values));
        CHECK(near(at("range_n_sigma", with_abs, "max"), mean(values) + 3 * std::sqrt(variance(values, 0))));
        CHECK(near(at("range_n_sigma", precise, "min"), mean(values) - 2 * std::sqrt(variance(values, 1))));
        CHECK(near(at("range_n_sigma", precise, "range"), 4 * std::sqrt(variance(values, 1))));
        CHECK(near(at("range_quantile", ninety, "max"), quantile(values, 0.9)));
        CHECK(near(at("range_quantile", ninety, "min"), quantile(values, 0.1)));
      }
      const Index count = apart ? data.cols() : data.rows() * data.cols();
      for (const char* name : {"variance_online", "variance_precise", "range_n_sigma", "range_min_max",
                               "range_quantile", "abs_mean"})
        CHECK(result_of(name, plain, data)["count"] == count);
    }
}

TEST_CASE("reducing the features keeps the leading dimension of a row") {
  const Tensor data = random_tensor(3, 40, 2);
  const MetaValue result = result_of("range_min_max", {{"dims", {1}}}, data);
  CHECK(result["min"].size() == 1);
  CHECK(result["min"][0] == result_of("range_min_max", {}, data)["min"]);
}

TEST_CASE("a weight is one sample, whose dimensions can be reduced") {
  const float weight[] = {1, 2, 3, 4, 5, 6};  // [2, 3]
  const auto result = [&](const MetaValue& dims) {
    const auto statistic = request("range_min_max", {{"dims", dims}}).make({{2, 3}, 1});
    statistic->add({weight, 6, 1, 1});
    return statistic->result()["max"].dump();
  };
  CHECK(result("all") == "6.0");
  CHECK(result({0}) == "[4.0,5.0,6.0]");
  CHECK(result({1}) == "[3.0,6.0]");
  CHECK(result(nullptr) == "[[1.0,2.0,3.0],[4.0,5.0,6.0]]");
}

TEST_CASE(
    "Q-22: the variance of five-wide rows is not 25 % too large, and one element gives NA with a count") {
  Tensor rows(5, 1000);
  for (Index c = 0; c < 1000; ++c)
    for (Index r = 0; r < 5; ++r) rows(r, c) = static_cast<float>(r);
  CHECK(result_of("variance_online", {}, rows)["variance"] == 2.0);

  const Tensor one = random_tensor(1, 1, 3);
  for (const char* name : {"variance_online", "variance_precise"}) {
    const MetaValue result = result_of(name, {}, one);
    CHECK(result["mean"] == "NA");
    CHECK(result["variance"] == "NA");
    CHECK(result["count"] == 1);
  }
  CHECK(result_of("range_min_max", {}, one)["min"].is_number());
  CHECK(result_of("range_quantile", {{"dims", nullptr}}, one)["min"] == "NA");
  CHECK(result_of("range_quantile", {}, one)["min"].is_number());
}

TEST_CASE("the variance survives a mean that is large beside it") {
  const Tensor data = random_tensor(4, 3000, 4, 1e6F);
  CHECK(near(result_of("variance_online", {{"dims", {0}}}, data)["variance"][1],
             variance(values_of(data, 1, false), 0)));
}

TEST_CASE("record keeps every value in order") {
  Tensor data(2, 3);
  for (Index c = 0; c < 3; ++c)
    for (Index r = 0; r < 2; ++r) data(r, c) = static_cast<float>(10 * c + r);
  const MetaValue flat = result_of("record", {}, data);
  CHECK(flat["data"].dump() == "[[0.0,1.0],[10.0,11.0],[20.0,21.0]]");
  CHECK(flat["count"] == 3);
  CHECK(flat["size_in_bytes"] == 24);
  CHECK(result_of("record", {{"add_new_dim_before_concat", true}}, data)["data"].dump() ==
        "[[[0.0,1.0]],[[10.0,11.0]],[[20.0,21.0]]]");
  CHECK_THROWS_WITH(request("record").make({{1, 16}, 1 << 20}), Contains("at most 1048576 values"));
}

TEST_CASE("samples may come in any grouping") {
  const Tensor data = random_tensor(5, 1536, 5);
  for (const StatisticKind& kind : statistic_kinds()) {
    const std::string name(kind.name);
    INFO(name);
    const MetaValue whole = result_of(name, {}, data);
    for (const Index cut : {1, 500, 512, 1024, 1535}) {
      const auto first = make(name, {}, data), second = make(name, {}, data);
      first->add(columns(data, 0, cut));
      second->add(columns(data, cut, 1536));
      first->merge(*second);
      const MetaValue merged = first->result();
      for (const auto& [field, value] : whole.items())
        if (value.is_number_float())
          CHECK(near(merged[field], number(value)));
        else
          CHECK(merged[field] == value);
      second->clear();
      second->add(data.view());
      CHECK(second->result() == whole);
    }
  }
}

TEST_CASE("options that are wrong are named") {
  const auto message = [](const std::string& name, const MetaValue& options) -> std::string {
    try {
      request(name, options).make({{1, 4}, 10});
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  CHECK(message("range_quantil", {}) ==
        "test: there is no statistic 'range_quantil': did you mean 'range_quantile'?");
  CHECK(message("range_quantile", {{"quantil", 0.9}}) ==
        "test.range_quantile: unknown option 'quantil': did you mean 'quantile'?");
  for (const double q : {0.5, 0.0, -1.0, 1.01})
    CHECK_THAT(message("range_quantile", {{"quantile", q}}),
               Contains("quantile should be in (0.5, 1], found"));
  CHECK(message("range_quantile", {{"quantile", 1}}).empty());
  CHECK_THAT(message("range_quantile", {{"quantile", "high"}}),
             Contains("should be a number, found \"high\""));
  CHECK_THAT(message("range_n_sigma", {{"var_mode", "both"}}), Contains("\"online\" or \"precise\""));
  CHECK_THAT(message("range_n_sigma", {{"num_sigma", 0}}), Contains("above 0"));
  CHECK_THAT(message("abs_mean", {{"dims", "none"}}), Contains("\"all\", null or a list"));
  CHECK_THAT(message("abs_mean", {{"dims", {2}}}), Contains("a sample of shape [1, 4], found 2"));
  CHECK_THAT(message("abs_mean", {{"dims", {1, -1}}}), Contains("listed twice"));
  CHECK_THAT(message("record", {{"add_new_dim_before_concat", 1}}), Contains("true or false"));
  CHECK_THROWS_WITH(request("abs_mean").make({{1, 4}, 0}), Contains("at least one sample"));
  CHECK(message("abs_mean", {{"device", nullptr}}).empty());
}
