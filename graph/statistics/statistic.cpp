#include "graph/statistics/statistic.hpp"

#include <algorithm>

#include "engine/nearest.hpp"
#include "graph/statistics/abs_mean.hpp"
#include "graph/statistics/range_min_max.hpp"
#include "graph/statistics/range_n_sigma.hpp"
#include "graph/statistics/range_quantile.hpp"
#include "graph/statistics/record.hpp"
#include "graph/statistics/variance_online.hpp"
#include "graph/statistics/variance_precise.hpp"

namespace jsc {

namespace {

bool is_dims(const MetaValue& value) {
  if (value.is_null() || value == "NA" || value == "all") return true;
  return value.is_array() &&
         std::ranges::all_of(value, [](const MetaValue& dimension) { return dimension.is_number_integer(); });
}

void check_option(const MetaValue& value, const PassOption& option, const std::string& where) {
  const auto expect = [&](bool good, std::string_view expected) {
    if (!good) fail("{}: {} should be {}, found {}", where, option.key, expected, value.dump());
  };
  if (option.kind == "dims") expect(is_dims(value), "\"all\", null or a list of dimensions");
  if (option.kind == "boolean") expect(value.is_boolean(), "true or false");
  if (option.kind == "number") expect(value.is_number(), "a number");
  if (option.key == "device") expect(value.is_null() || value.is_string(), "null or a name");
  if (option.key == "quantile") {
    const double quantile = value.get<double>();
    expect(quantile > 0.5 && quantile <= 1, "in (0.5, 1]");
  }
  if (option.key == "num_sigma") expect(value.get<double>() > 0, "above 0");
  if (option.key == "var_mode") expect(value == "online" || value == "precise", "\"online\" or \"precise\"");
}

StatisticRequest parse_statistic(const std::string& name, const MetaValue& given, std::string_view place) {
  std::vector<std::string_view> names;
  for (const StatisticKind& kind : statistic_kinds()) names.push_back(kind.name);
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) fail("{}: there is no statistic '{}'{}", place, name, suggestion(name, names));
  const StatisticKind& kind = statistic_kinds()[static_cast<std::size_t>(found - names.begin())];

  const std::string where = fmt::format("{}.{}", place, name);
  if (!given.is_object() && !given.is_null())
    fail("{}: expected a table of options, found {}", where, given.dump());
  std::vector<std::string_view> keys;
  for (const PassOption& option : kind.options) keys.push_back(option.key);
  for (const auto& [key, value] : given.items())
    if (std::ranges::find(keys, key) == keys.end())
      fail("{}: unknown option '{}'{}", where, key, suggestion(key, keys));

  StatisticRequest request{&kind, MetaValue::object(), where};
  for (const PassOption& option : kind.options) {
    const std::string key(option.key);
    const MetaValue value = given.contains(key) ? given[key] : MetaValue::parse(option.default_value);
    check_option(value, option, where);
    request.options[key] = value;
  }
  return request;
}

}  // namespace

Index SampleLayout::elements() const {
  Index n = 1;
  for (Index size : shape) n *= size;
  return n;
}

std::span<const StatisticKind> statistic_kinds() {
  static const StatisticKind kinds[] = {record_statistic(), variance_online(), variance_precise(),
                                        range_n_sigma(),    range_min_max(),   range_quantile(),
                                        abs_mean()};
  return kinds;
}

std::unique_ptr<Statistic> StatisticRequest::make(const SampleLayout& layout) const {
  if (layout.samples < 1 || layout.elements() < 1)
    fail("{}: expected at least one sample of at least one element, found {} of {}", where, layout.samples,
         layout.elements());
  try {
    return kind->make(options, layout);
  } catch (const Error& error) {
    fail("{}: {}", where, error.what());
  }
}

std::vector<StatisticRequest> parse_statistics(const MetaValue& table, std::string_view where) {
  if (!table.is_object()) fail("{}: expected a table of statistics, found {}", where, table.dump());
  std::vector<StatisticRequest> requests;
  for (const auto& [name, options] : table.items()) requests.push_back(parse_statistic(name, options, where));
  return requests;
}

}  // namespace jsc
