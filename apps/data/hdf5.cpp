// HDF5: MASE's array of compound records, and plain arrays X and y.
#include "apps/data/readers.hpp"

#include <hdf5.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "apps/data/array_table.hpp"
#include "apps/data/hdf5_handle.hpp"
#include "apps/data/jet_names.hpp"
#include "apps/support/mapped_file.hpp"
#include "engine/large_array.hpp"
#include "engine/threads.hpp"

namespace jsc {

namespace {

constexpr Index kChunkRows = 32768;

enum class Element { none, f4, f8, i1, i2, i4, i8, u1, u2, u4, u8 };

// The element in memory order of a numeric type; none for any other type.
Element element_of(hid_t native) {
  const H5T_class_t kind = H5Tget_class(native);
  const std::size_t size = H5Tget_size(native);
  if (kind == H5T_FLOAT) return size == 4 ? Element::f4 : size == 8 ? Element::f8 : Element::none;
  if (kind != H5T_INTEGER) return Element::none;
  const bool is_signed = H5Tget_sign(native) == H5T_SGN_2;
  switch (size) {
    case 1:
      return is_signed ? Element::i1 : Element::u1;
    case 2:
      return is_signed ? Element::i2 : Element::u2;
    case 4:
      return is_signed ? Element::i4 : Element::u4;
    case 8:
      return is_signed ? Element::i8 : Element::u8;
    default:
      return Element::none;
  }
}

template <class T>
void copy_column(const char* from, std::size_t step, Index rows, float* to, Index stride) {
  for (Index r = 0; r < rows; ++r) {
    T value;
    std::memcpy(&value, from + static_cast<std::size_t>(r) * step, sizeof value);
    to[r * stride] = static_cast<float>(value);
  }
}

void copy_column(Element element, const char* from, std::size_t step, Index rows, float* to, Index stride) {
  switch (element) {
    case Element::f4:
      return copy_column<float>(from, step, rows, to, stride);
    case Element::f8:
      return copy_column<double>(from, step, rows, to, stride);
    case Element::i1:
      return copy_column<std::int8_t>(from, step, rows, to, stride);
    case Element::i2:
      return copy_column<std::int16_t>(from, step, rows, to, stride);
    case Element::i4:
      return copy_column<std::int32_t>(from, step, rows, to, stride);
    case Element::i8:
      return copy_column<std::int64_t>(from, step, rows, to, stride);
    case Element::u1:
      return copy_column<std::uint8_t>(from, step, rows, to, stride);
    case Element::u2:
      return copy_column<std::uint16_t>(from, step, rows, to, stride);
    case Element::u4:
      return copy_column<std::uint32_t>(from, step, rows, to, stride);
    case Element::u8:
      return copy_column<std::uint64_t>(from, step, rows, to, stride);
    case Element::none:
      break;
  }
  JSC_ASSERT(false);
}

// Where a column of the table lies in an element of the dataset.
struct Field {
  Element element = Element::none;
  std::size_t offset = 0;
};

// An open dataset: its shape, its type as this machine holds it.
struct Source {
  std::string where;
  Hdf5Dataset dataset;
  Hdf5Type type;
  ArrayShape shape;
  int rank = 0;
  bool compound = false;
};

Source open_source(hid_t file, const std::string& path, const std::string& name) {
  Source source;
  source.where = fmt::format("{}, dataset {}", path, name);
  source.dataset = Hdf5Dataset(H5Dopen2(file, name.c_str(), H5P_DEFAULT));
  if (!source.dataset) fail("{}: cannot open: {}", source.where, hdf5_reason());
  const Hdf5Space space(H5Dget_space(source.dataset.get()));
  source.rank = H5Sget_simple_extent_ndims(space.get());
  hsize_t sizes[2] = {0, 1};
  if (source.rank == 1 || source.rank == 2) H5Sget_simple_extent_dims(space.get(), sizes, nullptr);
  source.shape = {static_cast<Index>(sizes[0]), static_cast<Index>(sizes[1])};
  const Hdf5Type stored(H5Dget_type(source.dataset.get()));
  source.type = Hdf5Type(H5Tget_native_type(stored.get(), H5T_DIR_ASCEND));
  if (!source.type) fail("{}: cannot read its type: {}", source.where, hdf5_reason());
  source.compound = H5Tget_class(source.type.get()) == H5T_COMPOUND;
  const int expected = source.compound ? 1 : 2;
  if (source.rank < 1 || source.rank > expected)
    fail("{}: expected {} dimension{}, found {}", source.where, source.compound ? "1" : "1 or 2",
         source.compound ? "" : "s", source.rank);
  // What is not stored in chunks takes its full size in the file; a header cannot claim more than there is.
  const Hdf5Properties layout(H5Dget_create_plist(source.dataset.get()));
  const std::uint64_t file_bytes = MappedFile(path).bytes().size();
  const bool plain = H5Pget_layout(layout.get()) == H5D_CONTIGUOUS;
  const std::uint64_t room = plain ? file_bytes : file_bytes * 1100;  // deflate's best ratio, rounded up
  const std::uint64_t element = std::max<std::uint64_t>(1, H5Tget_size(stored.get()));
  const std::uint64_t cells =
      room / element;  // divided rather than multiplied: sizes may be any 64-bit number
  if (sizes[1] > cells || sizes[0] > cells / std::max<std::uint64_t>(1, sizes[1]))
    fail("{}: expected data that {} bytes can hold, found {} x {} elements in the header", source.where,
         file_bytes, sizes[0], sizes[1]);
  return source;
}

// Reads rows in chunks as they are stored, and spreads the fields over columns of the table.
void read_fields(const Source& source, const std::vector<Field>& fields, RawTable& table, Index first_column,
                 const LoadOptions& options) {
  const std::size_t element_bytes = H5Tget_size(source.type.get());
  const std::size_t row_bytes = element_bytes * static_cast<std::size_t>(source.shape.columns);
  const Index chunk_rows = std::min(kChunkRows, source.shape.rows);
  const auto buffer = make_aligned<char>(chunk_rows * static_cast<Index>(row_bytes));
  const Hdf5Space space(H5Dget_space(source.dataset.get()));
  for (Index begin = 0; begin < source.shape.rows; begin += chunk_rows) {
    const Index rows = std::min(chunk_rows, source.shape.rows - begin);
    const hsize_t start[2] = {static_cast<hsize_t>(begin), 0};
    const hsize_t count[2] = {static_cast<hsize_t>(rows), static_cast<hsize_t>(source.shape.columns)};
    H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start, nullptr, count, nullptr);
    const Hdf5Space memory(H5Screate_simple(source.rank, count, nullptr));
    if (H5Dread(source.dataset.get(), source.type.get(), memory.get(), space.get(), H5P_DEFAULT,
                buffer.get()) < 0)
      fail("{}: cannot read rows from {}: {}", source.where, begin, hdf5_reason());
    constexpr Index kRun = 2048;  // rows of a task
    parallel_for(options.threads, (rows + kRun - 1) / kRun, [&](Index task) {
      const Index first = task * kRun;
      const Index n = std::min(kRun, rows - first);
      const char* const from = buffer.get() + static_cast<std::size_t>(first) * row_bytes;
      float* const to = table.values.get() + (begin + first) * table.columns + first_column;
      for (std::size_t f = 0; f < fields.size(); ++f)
        copy_column(fields[f].element, from + fields[f].offset, row_bytes, n, to + f, table.columns);
    });
    if (options.progress) options.progress(begin + rows, source.shape.rows);
  }
}

Dataset read_records(const Source& source, const std::string& path, bool mase, const LoadOptions& options) {
  std::vector<std::string> names;
  std::vector<Field> fields;
  const int members = H5Tget_nmembers(source.type.get());
  for (int m = 0; m < members; ++m) {
    const auto number = static_cast<unsigned>(m);
    const Hdf5Type member(H5Tget_member_type(source.type.get(), number));
    const Element element = element_of(member.get());
    if (element == Element::none) continue;  // text, arrays: nothing that a network could use
    char* const name = H5Tget_member_name(source.type.get(), number);
    names.emplace_back(name);
    H5free_memory(name);
    fields.push_back({element, H5Tget_member_offset(source.type.get(), number)});
  }
  if (names.empty()) fail("{}: expected numeric fields, found none", source.where);
  LoadOptions chosen = options;
  if (mase && options.feature_names.empty())
    for (const std::string_view name : kJetFeatureNames)
      chosen.feature_names.push_back(fmt::format("j_{}", name));
  if (mase && options.label.empty()) {
    std::vector<std::string> labels;
    for (const std::string_view name : kJetClassNames) labels.push_back(fmt::format("j_{}", name));
    // A class's number is its place among the fields of the file: g, q, w, z, t in MASE's, and the order of
    // the data set written in a file of ours, which so has the hash of the same jets in other formats.
    const auto place = [&](const std::string& label) { return std::ranges::find(names, label); };
    std::ranges::stable_sort(labels, {}, place);
    const bool all = std::all_of(labels.begin(), labels.end(), [&](const std::string& label) {
      return std::find(names.begin(), names.end(), label) != names.end();
    });
    if (all || options.label_policy == LabelPolicy::required)
      chosen.label = fmt::format("{}", fmt::join(labels, ","));
  }
  const Columns columns =
      choose_columns(source.where, names, std::ssize(names), std::vector<bool>(names.size()), chosen);

  RawTable table;
  table.source = path;
  table.rows = source.shape.rows;
  table.kind = columns.kind;
  table.features = std::ssize(columns.features);
  std::vector<Field> taken;
  for (const std::vector<Index>* list : {&columns.features, &columns.labels})
    for (const Index c : *list) {
      taken.push_back(fields[static_cast<std::size_t>(c)]);
      table.names.push_back(names[static_cast<std::size_t>(c)]);
    }
  table.columns = std::ssize(taken);
  table.values = make_large<float>(table.rows * table.columns);
  read_fields(source, taken, table, 0, options);
  return make_dataset(std::move(table), chosen);
}

std::vector<Field> array_fields(const Source& source) {
  const Element element = element_of(source.type.get());
  if (element == Element::none)
    fail("{}: expected numbers of 1, 2, 4 or 8 bytes, found another type", source.where);
  const std::size_t size = H5Tget_size(source.type.get());
  std::vector<Field> fields;
  for (Index c = 0; c < source.shape.columns; ++c)
    fields.push_back({element, static_cast<std::size_t>(c) * size});
  return fields;
}

Dataset read_arrays(const Source& x, const Source* y, const std::string& path, const LoadOptions& options) {
  const std::vector<Field> x_fields = array_fields(x);
  const Columns columns = choose_columns(path, {}, x.shape.columns, {}, options);
  RawTable table = make_array_table(path, x.shape, y != nullptr ? &y->shape : nullptr);
  if (y == nullptr) table.kind = columns.kind;
  read_fields(x, x_fields, table, 0, options);
  if (y != nullptr) read_fields(*y, array_fields(*y), table, x.shape.columns, options);
  return make_dataset(std::move(table), options);
}

herr_t add_dataset_name(hid_t group, const char* name, const H5L_info_t*, void* names) {
  const Hdf5Dataset dataset(H5Dopen2(group, name, H5P_DEFAULT));
  if (dataset) static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  return 0;
}

}  // namespace

Dataset read_hdf5(const std::string& path, const LoadOptions& options) {
  const Hdf5Silence silence;
  { const MappedFile readable(path); }  // names the reason when it is not
  const Hdf5File file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
  if (!file) fail("{}: not a readable HDF5 file: {}", path, hdf5_reason());
  std::vector<std::string> names;
  if (H5Literate(file.get(), H5_INDEX_NAME, H5_ITER_INC, nullptr, add_dataset_name, &names) < 0)
    fail("{}: cannot list its datasets: {}", path, hdf5_reason());

  if (std::find(names.begin(), names.end(), kMaseDataset) != names.end()) {
    const Source source = open_source(file.get(), path, kMaseDataset);
    if (!source.compound) fail("{}: expected compound records, found plain numbers", source.where);
    return read_records(source, path, true, options);
  }
  if (names.empty()) fail("{}: expected a dataset {}, or arrays X and y, found none", path, kMaseDataset);
  const ChosenArrays chosen = choose_arrays(path, names);
  const Source x = open_source(file.get(), path, chosen.x);
  if (x.compound) return read_records(x, path, false, options);
  if (chosen.y.empty()) return read_arrays(x, nullptr, path, options);
  const Source y = open_source(file.get(), path, chosen.y);
  return read_arrays(x, &y, path, options);
}

}  // namespace jsc
