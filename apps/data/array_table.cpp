#include "apps/data/array_table.hpp"
#include "engine/large_array.hpp"

#include <algorithm>

namespace jsc {

ChosenArrays choose_arrays(const std::string& source, const std::vector<std::string>& present) {
  const auto has = [&](std::string_view name) {
    return std::find(present.begin(), present.end(), name) != present.end();
  };
  for (const bool with_label : {true, false})
    for (const ArrayNames& names : kArrayNames)
      if (has(names.x) && has(names.y) == with_label)
        return {std::string(names.x), with_label ? std::string(names.y) : std::string()};
  if (present.size() == 1) return {present.front(), ""};
  fail("{}: expected arrays X and y (or x, data, features with y, labels, target), found {}", source,
       present.empty() ? "none" : list_names(present));
}

RawTable make_array_table(const std::string& source, ArrayShape x, const ArrayShape* y) {
  if (y != nullptr && y->rows != x.rows)
    fail("{}: expected as many labels as rows, found {} rows and {} labels", source, x.rows, y->rows);
  RawTable table;
  table.source = source;
  table.rows = x.rows;
  table.columns = x.columns + (y != nullptr ? y->columns : 0);
  if (y != nullptr) {
    table.features = x.columns;
    table.kind = y->columns == 1 ? LabelKind::index : LabelKind::one_hot;
  }
  table.values = make_large<float>(table.rows * table.columns);
  return table;
}

}  // namespace jsc
