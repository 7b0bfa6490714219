// From arrays X and y, as HDF5 and NumPy files hold them, to a table; and the names such arrays usually have.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/data/table.hpp"

namespace jsc {

struct ArrayNames {
  std::string_view x, y;
};

// Tried in this order; the first pair whose x is there is taken, with or without its y.
inline constexpr std::array<ArrayNames, 10> kArrayNames = {{{"X", "y"},
                                                            {"x", "y"},
                                                            {"data", "labels"},
                                                            {"data", "target"},
                                                            {"features", "labels"},
                                                            {"X_train_val", "y_train_val"},
                                                            {"X_train", "y_train"},
                                                            {"x_train", "y_train"},
                                                            {"X_test", "y_test"},
                                                            {"x_test", "y_test"}}};

// The pair to read of the arrays that are there; without a usual name, an array that stands alone. Throws
// Error.
struct ChosenArrays {
  std::string x, y;  // y may be empty
};
ChosenArrays choose_arrays(const std::string& source, const std::vector<std::string>& present);

// Of an array of one or two dimensions.
struct ArrayShape {
  Index rows = 0, columns = 0;
};

// An empty table for X and, if there is one, y: values [rows][X columns + y columns].
RawTable make_array_table(const std::string& source, ArrayShape x, const ArrayShape* y);

}  // namespace jsc
