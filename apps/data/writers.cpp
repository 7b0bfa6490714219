#include "apps/data/writers.hpp"

#include <hdf5.h>

#include <charconv>
#include <cstring>
#include <filesystem>

#include "apps/data/array_table.hpp"
#include "apps/data/hdf5_handle.hpp"
#include "apps/data/jet_names.hpp"
#include "apps/support/atomic_file.hpp"

namespace jsc {

std::string csv_cell(const std::string& cell) {
  if (cell.find_first_of(",;\t\"\r\n ") == cell.npos && !cell.empty()) return cell;
  std::string text = "\"";
  for (const char c : cell) text += c == '"' ? "\"\"" : std::string(1, c);
  return text + '"';
}

namespace {

void append_number(std::string& text, float value) {
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;  // shortest that reads back
  text.append(digits, end);
}

const std::string& class_name(const Dataset& data, Index row) {
  return data.class_names[static_cast<std::size_t>(data.labels[static_cast<std::size_t>(row)])];
}

void write_array(AtomicFile& file, std::string_view descr, const std::string& shape, const void* data,
                 std::size_t bytes) {
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr, shape);
  constexpr std::size_t kPrefix = 10;  // magic, version, length; the data begins on a multiple of 64
  header.append((64 - (kPrefix + header.size() + 1) % 64) % 64, ' ');
  header += '\n';
  file.write(std::string_view("\x93NUMPY\x01\x00", 8));
  const char length[2] = {static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  file.write(length, 2);
  file.write(header);
  file.write(data, bytes);
}

void write_records(hid_t file, const std::string& path, const Dataset& data) {
  const auto features = static_cast<std::size_t>(data.features);
  const std::size_t classes = data.labelled() ? data.class_names.size() : 0;
  const std::size_t width = (features + classes) * sizeof(float);
  const Hdf5Type record(H5Tcreate(H5T_COMPOUND, width));
  std::size_t offset = 0;
  for (const auto* names : {&data.feature_names, &data.class_names})
    for (const std::string& name : *names)
      if (offset < width) {
        if (H5Tinsert(record.get(), fmt::format("j_{}", name).c_str(), offset, H5T_NATIVE_FLOAT) < 0)
          fail("{}: cannot write a field j_{}: {}", path, name, hdf5_reason());
        offset += sizeof(float);
      }
  const hsize_t rows = static_cast<hsize_t>(data.rows);
  const Hdf5Space space(H5Screate_simple(1, &rows, nullptr));
  Hdf5Dataset dataset(
      H5Dcreate2(file, kMaseDataset, record.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  if (!dataset) fail("{}: cannot write: {}", path, hdf5_reason());
  constexpr Index kChunkRows = 32768;
  std::vector<float> buffer(static_cast<std::size_t>(std::min(kChunkRows, data.rows)) * (features + classes));
  for (Index begin = 0; begin < data.rows; begin += kChunkRows) {
    const Index count = std::min(kChunkRows, data.rows - begin);
    for (Index r = 0; r < count; ++r) {
      float* const to = buffer.data() + static_cast<std::size_t>(r) * (features + classes);
      std::copy_n(data.row(begin + r), features, to);
      for (std::size_t k = 0; k < classes; ++k)
        to[features + k] =
            data.labels[static_cast<std::size_t>(begin + r)] == static_cast<int>(k) ? 1.0F : 0.0F;
    }
    const hsize_t start = static_cast<hsize_t>(begin), size = static_cast<hsize_t>(count);
    H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, &start, nullptr, &size, nullptr);
    const Hdf5Space memory(H5Screate_simple(1, &size, nullptr));
    if (H5Dwrite(dataset.get(), record.get(), memory.get(), space.get(), H5P_DEFAULT, buffer.data()) < 0)
      fail("{}: cannot write: {}", path, hdf5_reason());
  }
  if (!dataset.finish()) fail("{}: cannot write: {}", path, hdf5_reason());
}

}  // namespace

void write_csv(const std::string& path, const Dataset& data) {
  AtomicFile file(path);
  std::string text;
  for (const std::string& name : data.feature_names) text += csv_cell(name) + ',';
  if (data.labelled()) text += "class,";
  text.back() = '\n';
  for (Index r = 0; r < data.rows; ++r) {
    for (Index f = 0; f < data.features; ++f) {
      append_number(text, data.row(r)[f]);
      text += ',';
    }
    if (data.labelled()) text += csv_cell(class_name(data, r)) + ',';
    text.back() = '\n';
    if (text.size() > 1 << 16) {
      file.write(text);
      text.clear();
    }
  }
  file.write(text);
  file.commit();
}

void write_hdf5(const std::string& path, const Dataset& data) {
  const Hdf5Silence silence;
  AtomicFile target(path);
  Hdf5File file(H5Fcreate(target.temporary_path().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
  if (!file) fail("{}: cannot write: {}", path, hdf5_reason());
  write_records(file.get(), path, data);
  if (!file.finish()) fail("{}: cannot write: {}", path, hdf5_reason());
  target.commit();
}

std::string label_path(const std::string& x_path) {
  const std::filesystem::path path(x_path);
  const std::string stem = path.stem().string();
  for (const ArrayNames& names : kArrayNames)
    if (stem == names.x) return (path.parent_path() / fmt::format("{}.npy", names.y)).string();
  return (path.parent_path() / fmt::format("{}_y.npy", stem)).string();
}

void write_npy(const std::string& path, const Dataset& data) {
  const auto cells = static_cast<std::size_t>(data.rows * data.features);
  AtomicFile x(path);
  write_array(x, "<f4", fmt::format("{}, {}", data.rows, data.features), data.x.get(), cells * sizeof(float));
  if (data.labelled()) {
    AtomicFile y(label_path(path));
    write_array(y, "<i4", fmt::format("{},", data.rows), data.labels.data(),
                data.labels.size() * sizeof(std::int32_t));
    y.commit();
  }
  x.commit();
}

DatasetWriter find_writer(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  if (extension == ".csv") return write_csv;
  if (extension == ".h5" || extension == ".hdf5") return write_hdf5;
  if (extension == ".npy") return write_npy;
  fail("{}: cannot write: expected a name that ends in .csv, .h5, .hdf5 or .npy, found '{}'", path,
       extension);
}

void write_dataset(const std::string& path, const Dataset& data) {
  find_writer(path)(path, data);
}

}  // namespace jsc
