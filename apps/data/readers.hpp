// The readers of data files, one a format (docs/formats.md). load_dataset() picks; nothing else calls them.
#pragma once

#include <string>

#include "apps/data/dataset.hpp"

namespace jsc {

Dataset read_csv(const std::string& path, const LoadOptions& options);
Dataset read_arff(const std::string& path, const LoadOptions& options);
Dataset read_hdf5(const std::string& path, const LoadOptions& options);
Dataset read_npz(const std::string& path, const LoadOptions& options);

// The file of labels beside a .npy file of features, under the usual names, or "".
std::string find_labels_beside(const std::string& x_path);
Dataset read_npy(const std::string& x_path, const std::string& y_path, const LoadOptions& options);

}  // namespace jsc
