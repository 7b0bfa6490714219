// From a table of numbers to a data set: the label columns become class numbers, the rest the features.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "apps/data/cells.hpp"
#include "apps/data/table.hpp"

namespace jsc {

namespace {

using Names = std::vector<std::string>;

// Columns from `first` on that hold only 0 and 1, and a 1 somewhere, if each row has exactly one 1 among
// them; else empty.
std::vector<Index> find_one_hot(const RawTable& table, Index first) {
  std::vector<Index> binary(static_cast<std::size_t>(table.columns - first));
  std::iota(binary.begin(), binary.end(), first);
  std::vector<Index> ones(static_cast<std::size_t>(table.columns));
  for (Index r = 0; r < table.rows && binary.size() >= 2; ++r) {
    const float* row = table.values.get() + r * table.columns;
    std::erase_if(binary, [&](Index c) { return row[c] != 0.0F && row[c] != 1.0F; });
    for (const Index c : binary) ones[static_cast<std::size_t>(c)] += row[c] == 1.0F ? 1 : 0;
  }
  std::erase_if(binary, [&](Index c) { return ones[static_cast<std::size_t>(c)] == 0; });
  if (binary.size() < 2) return {};
  for (Index r = 0; r < table.rows; ++r) {
    const float* row = table.values.get() + r * table.columns;
    if (std::count_if(binary.begin(), binary.end(), [&](Index c) { return row[c] == 1.0F; }) != 1) return {};
  }
  return binary;
}

std::string name_of(const RawTable& table, Index column) {
  if (table.names.empty()) return std::to_string(column + 1);
  return fmt::format("'{}'", table.names[static_cast<std::size_t>(column)]);
}

// Settles which columns of the table are the label; the others are the features.
struct Meaning {
  LabelKind kind = LabelKind::none;
  std::vector<Index> features, labels;  // columns of the table
  bool guessed = false;                 // the label is the last column only because nothing else is one
};

Meaning settle(const RawTable& table, const LoadOptions& options) {
  Meaning meaning;
  meaning.kind = table.kind;
  const Index named = std::ssize(options.feature_names);
  const Index expected = named > 0 ? named : options.feature_count;
  if (table.kind == LabelKind::detect) {
    meaning.kind = LabelKind::one_hot;
    meaning.labels = find_one_hot(table, table.features);
    if (meaning.labels.empty()) {
      const bool bare =
          options.label_policy == LabelPolicy::optional && (table.features > 0 || table.columns == expected);
      meaning.kind = bare ? LabelKind::none : LabelKind::index;
      if (!bare) meaning.labels = {table.columns - 1};
      meaning.guessed = !bare;
    }
  } else {
    for (Index c = table.features; c < table.columns; ++c) meaning.labels.push_back(c);
  }
  for (Index c = 0; c < (table.features > 0 ? table.features : table.columns); ++c)
    if (std::find(meaning.labels.begin(), meaning.labels.end(), c) == meaning.labels.end())
      meaning.features.push_back(c);
  if (meaning.kind == LabelKind::none && options.label_policy == LabelPolicy::required)
    fail("{}: expected a label column (class, label, target, y, or one-hot columns), found none",
         table.source);
  if (meaning.features.empty())
    fail("{}: expected feature columns beside the label, found none", table.source);
  if (expected > 0 && std::ssize(meaning.features) != expected)
    fail("{}: expected {} features, found {}", table.source, expected, meaning.features.size());
  return meaning;
}

// The number in a label such as "3" or "3.0"; -1 when it is none.
Index index_in_text(const std::string& text) {
  double value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size() && value >= 0 &&
                     value < static_cast<double>(kMaxClasses) && value == std::floor(value);
  return whole ? static_cast<Index>(value) : -1;
}

// The class of each column or text, in the order that the caller or the file gives.
std::vector<std::int32_t> number_names(const std::string& source, const Names& names, const Names& order,
                                       Names& class_names) {
  class_names.clear();
  for (const std::string& name : order.empty() ? names : order) class_names.emplace_back(plain_name(name));
  std::vector<std::int32_t> numbers;
  for (const std::string& name : names) {
    const auto found = std::find(class_names.begin(), class_names.end(), plain_name(name));
    if (found == class_names.end())
      fail("{}: unknown class '{}': expected one of {}", source, name, list_names(class_names));
    numbers.push_back(static_cast<std::int32_t>(found - class_names.begin()));
  }
  return numbers;
}

void name_indices(Dataset& data, Index highest, const Names& order) {
  if (!order.empty()) {
    for (const std::string& name : order) data.class_names.emplace_back(plain_name(name));
    if (highest >= std::ssize(order))
      fail("{}: unknown class {}: expected an index below {} ({})", data.source, highest, order.size(),
           list_names(data.class_names));
    return;
  }
  for (Index k = 0; k <= highest; ++k) data.class_names.push_back(std::to_string(k));
}

// Where most rows have a number for a label, a label that is no index is a wrong cell, not a class.
void expect_indices(const RawTable& table, const std::vector<std::int32_t>& numbers) {
  const auto numeric = std::ranges::count_if(table.text_labels, [&](std::int32_t text) {
    return text >= 0 && is_number(table.texts[static_cast<std::size_t>(text)]);
  });
  if (2 * numeric <= table.rows) return;
  for (Index r = 0; r < table.rows; ++r) {
    const std::int32_t text = table.text_labels[static_cast<std::size_t>(r)];
    if (text >= 0 && numbers[static_cast<std::size_t>(text)] < 0)
      fail("{}, row {}: expected a class index from 0 to {}, found '{}'", table.source, r + 1,
           kMaxClasses - 1, table.texts[static_cast<std::size_t>(text)]);
  }
}

void label_from_texts(const RawTable& table, const LoadOptions& options, Dataset& data) {
  std::vector<std::int32_t> numbers;
  const bool named_so = !options.class_order.empty() &&
                        std::all_of(table.texts.begin(), table.texts.end(), [&](const std::string& text) {
                          return std::find(options.class_order.begin(), options.class_order.end(), text) !=
                                 options.class_order.end();
                        });
  for (const std::string& text : table.texts)
    numbers.push_back(static_cast<std::int32_t>(index_in_text(text)));
  if (!named_so) expect_indices(table, numbers);
  const bool indices = std::find(numbers.begin(), numbers.end(), -1) == numbers.end();
  if (indices && !named_so) {
    name_indices(data, numbers.empty() ? -1 : *std::max_element(numbers.begin(), numbers.end()),
                 options.class_order);
  } else {
    Names sorted = table.texts;
    std::sort(sorted.begin(), sorted.end());
    const Names& order = options.class_order.empty() ? sorted : options.class_order;
    numbers = number_names(data.source, table.texts, order, data.class_names);
  }
  for (const std::int32_t text : table.text_labels)
    data.labels.push_back(text < 0 ? -1 : numbers[static_cast<std::size_t>(text)]);
}

void label_from_one_hot(const RawTable& table, const Meaning& meaning, const LoadOptions& options,
                        Dataset& data) {
  Names names;
  for (const Index c : meaning.labels)
    names.push_back(table.names.empty() ? std::to_string(names.size())
                                        : table.names[static_cast<std::size_t>(c)]);
  std::vector<std::int32_t> numbers(names.size());
  std::iota(numbers.begin(), numbers.end(), 0);
  if (table.names.empty())
    name_indices(data, std::ssize(names) - 1, options.class_order);
  else
    numbers = number_names(data.source, names, options.class_order, data.class_names);
  for (Index r = 0; r < table.rows; ++r) {
    const float* row = table.values.get() + r * table.columns;
    std::int32_t label = -1;
    bool proper = true;
    for (std::size_t k = 0; k < meaning.labels.size(); ++k) {
      const float value = row[meaning.labels[k]];
      if (value == 1.0F && label < 0)
        label = numbers[k];
      else
        proper &= value == 0.0F;
    }
    const bool missing = std::any_of(meaning.labels.begin(), meaning.labels.end(),
                                     [&](Index c) { return !std::isfinite(row[c]); });
    if (!missing && (!proper || label < 0))
      fail("{}, row {}: expected a one-hot label (one 1 among {}), found another", data.source, r + 1,
           list_names(names));
    data.labels.push_back(missing ? -1 : label);
  }
}

void label_from_index(const RawTable& table, Index column, const LoadOptions& options, Dataset& data) {
  Index highest = -1;
  for (Index r = 0; r < table.rows; ++r) {
    const float value = table.values[r * table.columns + column];
    const bool missing = !std::isfinite(value);
    if (!missing && !(value >= 0.0F && value < static_cast<float>(kMaxClasses) && value == std::floor(value)))
      fail("{}, row {}, column {}: expected a class index from 0 to {}, found {}", data.source, r + 1,
           name_of(table, column), kMaxClasses - 1, value);
    data.labels.push_back(missing ? -1 : static_cast<std::int32_t>(value));
    highest = std::max<Index>(highest, data.labels.back());
  }
  name_indices(data, highest, options.class_order);
}

// Moves the feature columns together and leaves out rows with a cell that is not finite, or refuses them.
void take_features(RawTable& table, const Meaning& meaning, const LoadOptions& options, Dataset& data) {
  const Index features = std::ssize(meaning.features);
  const bool labelled = meaning.kind != LabelKind::none;
  Index kept = 0;
  float* const values = table.values.get();
  for (Index r = 0; r < table.rows; ++r) {
    const float* const from = values + r * table.columns;
    float* const to = values + kept * features;
    bool finite = !labelled || data.labels[static_cast<std::size_t>(r)] >= 0;
    if (!finite && options.non_finite == NonFinite::error)
      fail("{}, row {}: expected a class, found a missing one", data.source, r + 1);
    for (Index f = 0; f < features; ++f) {
      const float value = from[meaning.features[static_cast<std::size_t>(f)]];
      if (!std::isfinite(value)) {
        if (options.non_finite == NonFinite::error)
          fail("{}, row {}, column {}: expected a finite number, found {}", data.source, r + 1,
               name_of(table, meaning.features[static_cast<std::size_t>(f)]), value);
        finite = false;
      }
      to[f] = value;
    }
    if (!finite && options.non_finite == NonFinite::drop) continue;
    if (labelled) data.labels[static_cast<std::size_t>(kept)] = data.labels[static_cast<std::size_t>(r)];
    ++kept;
  }
  if (kept < table.rows)
    data.warnings.push_back(fmt::format("{}: dropped {} of {} rows with missing or non-finite cells",
                                        data.source, table.rows - kept, table.rows));
  if (labelled) data.labels.resize(static_cast<std::size_t>(kept));
  data.rows = kept;
  data.features = features;
  data.x = std::move(table.values);
}

// A class that (almost) nothing belongs to is most likely a wrong label. Where the caller gives the classes,
// labels beside them are refused, and a few rows need not have all of them.
void warn_of_rare_classes(const LoadOptions& options, Dataset& data) {
  if (!options.class_order.empty() || data.labels.empty()) return;
  std::vector<Index> counts(data.class_names.size());
  Index labelled = 0;
  for (const std::int32_t label : data.labels) {
    if (label < 0) continue;
    ++counts[static_cast<std::size_t>(label)];
    ++labelled;
  }
  const Index present = std::ssize(counts) - std::ranges::count(counts, 0);
  Names empty, rare;
  for (std::size_t k = 0; k < counts.size(); ++k) {
    if (counts[k] == 0) empty.push_back(data.class_names[k]);
    // A single row cannot be both trained on and tested.
    const Index least = counts[k] == 1 ? 10 : 1000;
    if (counts[k] > 0 && counts[k] * least * present < labelled)
      rare.push_back(fmt::format("{} ({})", data.class_names[k], counts[k]));
  }
  if (!empty.empty())
    data.label_warnings.push_back(fmt::format("{}: {} of {} classes without any row: {}", data.source,
                                              empty.size(), counts.size(), list_names(empty)));
  if (!rare.empty())
    data.label_warnings.push_back(fmt::format("{}: {} of {} classes with hardly any row: {}", data.source,
                                              rare.size(), counts.size(), list_names(rare)));
}

}  // namespace

Dataset make_dataset(RawTable&& table, const LoadOptions& options) {
  if (table.rows == 0) fail("{}: expected rows of data, found none", table.source);
  const Meaning meaning = settle(table, options);
  Dataset data;
  data.source = table.source;
  if (table.names.empty() && !options.feature_names.empty()) data.feature_names = options.feature_names;
  for (Index f = std::ssize(data.feature_names); f < std::ssize(meaning.features); ++f) {
    const Index c = meaning.features[static_cast<std::size_t>(f)];
    data.feature_names.push_back(table.names.empty()
                                     ? fmt::format("x{}", f)
                                     : std::string(plain_name(table.names[static_cast<std::size_t>(c)])));
  }
  switch (meaning.kind) {
    case LabelKind::none:
      break;
    case LabelKind::one_hot:
      label_from_one_hot(table, meaning, options, data);
      break;
    default:
      if (!table.text_labels.empty())
        label_from_texts(table, options, data);
      else
        label_from_index(table, meaning.labels.front(), options, data);
  }
  if (meaning.guessed)
    data.label_warnings.push_back(
        fmt::format("{}: took the last column ({}) as the label, since nothing else was found to be one",
                    data.source, name_of(table, meaning.labels.front())));
  take_features(table, meaning, options, data);
  warn_of_rare_classes(options, data);
  if (data.rows == 0) fail("{}: expected rows with finite cells, found none", data.source);
  if (options.label_policy == LabelPolicy::required && data.labels[0] >= 0 &&
      std::all_of(data.labels.begin(), data.labels.end(),
                  [&](std::int32_t l) { return l == data.labels[0]; }))
    fail("{}: expected at least two classes, found only '{}'", data.source,
         data.class_names[static_cast<std::size_t>(data.labels[0])]);
  return data;
}

}  // namespace jsc
