// What a reader hands over before the columns get their meaning, and the rules that give it to them
// (docs/formats.md, "Which column is the label"). The readers differ in syntax only: each calls
// choose_columns() when it knows the names, fills a RawTable with the columns chosen, and lets make_dataset()
// finish.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "apps/data/dataset.hpp"

namespace jsc {

inline constexpr Index kMaxClasses = 1000;  // more distinct labels than this: the column is not a label

enum class LabelKind {
  none,     // the file has no label
  index,    // one column of class indices, or of names (RawTable::text_labels)
  one_hot,  // a column a class
  detect    // among the candidates, told by their values
};

struct Columns {
  std::vector<Index> features;  // by number in the file; with detect it may be empty: what the label leaves
  std::vector<Index> labels;    // with detect: the candidates
  LabelKind kind = LabelKind::detect;
};

struct RawTable {
  std::string source;
  std::vector<std::string> names;  // of the columns below, or empty
  Index rows = 0;
  Index features = 0;          // the first columns are features, the others labels or candidates
  Index columns = 0;           // features, then labels unless they are text
  AlignedArray<float> values;  // row-major [rows][columns]; NaN for a missing cell
  LabelKind kind = LabelKind::detect;
  std::vector<std::int32_t> text_labels;  // index into texts, or -1 for a missing cell; empty when numeric
  std::vector<std::string> texts;
};

// names: of all columns, or empty with `count` unnamed ones. is_text: columns that do not hold
// numbers; empty when all do.
Columns choose_columns(const std::string& source, const std::vector<std::string>& names, Index count,
                       const std::vector<bool>& is_text, const LoadOptions& options);

Dataset make_dataset(RawTable&& table, const LoadOptions& options);

// Without MASE's prefix j_.
std::string_view plain_name(std::string_view name);

// "a, b and c", shortened when there are many.
std::string list_names(const std::vector<std::string>& names);

}  // namespace jsc
