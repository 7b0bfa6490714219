// Data sets to files, complete or not at all; each reads back to the same bits (docs/formats.md).
#pragma once

#include <string>

#include "apps/data/dataset.hpp"

namespace jsc {

// By the extension: .csv, .h5 or .hdf5, .npy. Throws Error for another one.
using DatasetWriter = void (*)(const std::string& path, const Dataset& data);
DatasetWriter find_writer(const std::string& path);
void write_dataset(const std::string& path, const Dataset& data);

void write_csv(const std::string& path,
               const Dataset& data);  // a line of names, then rows; the class by name
void write_hdf5(const std::string& path, const Dataset& data);  // MASE's records: t_allpar_new, j_*, one-hot
void write_npy(const std::string& path, const Dataset& data);   // X to the path, class indices beside it

// The text as a cell of a CSV file: in double quotes where it would not read back without.
std::string csv_cell(const std::string& cell);

// Where the labels of an X file are written: X.npy -> y.npy and the like by usual names, else PATH_y.npy.
std::string label_path(const std::string& x_path);

}  // namespace jsc
