// NumPy arrays: pairs of .npy files, and .npz archives. The format: numpy/lib/format.py, versions 1 to 3.
#include <zip.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>

#include "apps/data/array_table.hpp"
#include "apps/data/readers.hpp"
#include "apps/support/mapped_file.hpp"
#include "engine/threads.hpp"

namespace jsc {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

struct NpyArray {
  char kind = 'f';  // f, i, u or b
  int size = 4;     // bytes of an element
  bool swapped = false, fortran_order = false;
  ArrayShape shape;
  std::string_view data;
};

// The Python literal after 'key': in the header, up to what closes it.
std::string_view value_of(std::string_view header, std::string_view key, const std::string& where) {
  const std::size_t found = header.find(fmt::format("'{}'", key));
  const std::size_t colon = found == header.npos ? found : header.find(':', found);
  const std::size_t begin = colon == header.npos ? colon : header.find_first_not_of(' ', colon + 1);
  if (begin == header.npos) fail("{}: expected '{}' in the header, found none", where, key);
  const char close = header[begin] == '(' ? ')' : header[begin] == '\'' ? '\'' : ',';
  const std::size_t end = header.find(close, begin + 1);
  if (end == header.npos)
    fail("{}: expected '{}' after '{}' in the header, found its end", where, close, key);
  return header.substr(begin, end - begin + (close == ',' ? 0 : 1));
}

void parse_descr(std::string_view descr, NpyArray& array, const std::string& where) {
  const std::string_view type = descr.size() >= 2 ? descr.substr(1, descr.size() - 2) : descr;
  const bool known = type.size() == 3 && std::string_view("<>|=").find(type[0]) != type.npos;
  const std::string_view element = known ? type.substr(1) : type;
  for (const std::string_view readable : {"f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"}) {
    if (element != readable || !known) continue;
    array.kind = element[0];
    array.size = element[1] - '0';
    array.swapped = type[0] == '>' && array.size > 1;
    return;
  }
  fail("{}: expected elements f4, f8, i1 to i8, u1 to u8 or b1, found {}", where, descr);
}

void parse_shape(std::string_view tuple, NpyArray& array, const std::string& where) {
  std::vector<Index> sizes;
  const char* p = tuple.data() + 1;
  const char* const end = tuple.data() + tuple.size();
  while (p < end && *p != ')') {
    Index size = -1;
    const auto [stop, error] = std::from_chars(p, end, size);
    if (error != std::errc() || size < 0)
      fail("{}: expected a shape of whole numbers, found {}", where, tuple);
    sizes.push_back(size);
    for (p = stop; p < end && (*p == ',' || *p == ' '); ++p) {
    }
  }
  if (sizes.empty() || sizes.size() > 2) fail("{}: expected 1 or 2 dimensions, found {}", where, tuple);
  array.shape = {sizes[0], sizes.size() == 2 ? sizes[1] : 1};
}

NpyArray parse_npy(std::string_view bytes, const std::string& where) {
  if (!bytes.starts_with(kMagic))
    fail("{}: expected a .npy array (magic \\x93NUMPY), found another format", where);
  const int version = bytes.size() > 8 ? bytes[6] : 0;
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  if (bytes.size() < 8 + length_bytes)
    fail("{}: truncated: expected a header, found {} bytes", where, bytes.size());
  if (version < 1 || version > 3) fail("{}: expected .npy version 1, 2 or 3, found {}", where, version);
  std::size_t length = 0;
  for (std::size_t i = length_bytes; i-- > 0;)
    length = length << 8 | static_cast<unsigned char>(bytes[8 + i]);
  const std::size_t begin = 8 + length_bytes;
  if (length > bytes.size() - begin)
    fail("{}: truncated: expected a header of {} bytes, found {}", where, length, bytes.size() - begin);

  NpyArray array;
  const std::string_view header = bytes.substr(begin, length);
  parse_descr(value_of(header, "descr", where), array, where);
  parse_shape(value_of(header, "shape", where), array, where);
  array.fortran_order = value_of(header, "fortran_order", where).starts_with("True");
  array.data = bytes.substr(begin + length);
  const auto rows = static_cast<std::size_t>(array.shape.rows);
  const auto row_bytes = static_cast<std::size_t>(array.shape.columns) * static_cast<std::size_t>(array.size);
  const bool overflows = array.shape.columns > std::numeric_limits<std::int32_t>::max() ||
                         (row_bytes > 0 && rows > std::numeric_limits<std::size_t>::max() / row_bytes);
  if (overflows || rows * row_bytes != array.data.size())
    fail("{}: expected the data of {} x {} elements of {} bytes as the header says, found {} bytes", where,
         array.shape.rows, array.shape.columns, array.size, array.data.size());
  return array;
}

template <class Element>
void copy_elements(const NpyArray& array, int threads, float* out, Index stride) {
  const Index rows = array.shape.rows, columns = array.shape.columns;
  const Index row_step = array.fortran_order ? 1 : columns;
  const Index column_step = array.fortran_order ? rows : 1;
  for_each_block(threads, rows, [&](Index, Index begin, Index end) {
    for (Index r = begin; r < end; ++r)
      for (Index c = 0; c < columns; ++c) {
        unsigned char raw[sizeof(Element)];
        std::memcpy(raw,
                    array.data.data() + (r * row_step + c * column_step) * static_cast<Index>(sizeof raw),
                    sizeof raw);
        if (array.swapped)
          for (std::size_t i = 0; i < sizeof raw / 2; ++i) std::swap(raw[i], raw[sizeof raw - 1 - i]);
        Element value;
        std::memcpy(&value, raw, sizeof raw);
        out[r * stride + c] = static_cast<float>(value);
      }
  });
}

void copy_array(const NpyArray& array, int threads, float* out, Index stride) {
  static_assert(std::endian::native == std::endian::little);
  const auto copy = [&](auto element) { copy_elements<decltype(element)>(array, threads, out, stride); };
  if (array.kind == 'f') return array.size == 4 ? copy(float{}) : copy(double{});
  if (array.kind == 'i')
    return array.size == 1   ? copy(std::int8_t{})
           : array.size == 2 ? copy(std::int16_t{})
           : array.size == 4 ? copy(std::int32_t{})
                             : copy(std::int64_t{});
  return array.size == 1   ? copy(std::uint8_t{})
         : array.size == 2 ? copy(std::uint16_t{})
         : array.size == 4 ? copy(std::uint32_t{})
                           : copy(std::uint64_t{});
}

// y null: no labels, or in the last column of X.
Dataset join_arrays(const std::string& source, const NpyArray& x, const NpyArray* y,
                    const LoadOptions& options) {
  const Columns columns = choose_columns(source, {}, x.shape.columns, {}, options);
  RawTable table = make_array_table(source, x.shape, y != nullptr ? &y->shape : nullptr);
  if (y == nullptr) table.kind = columns.kind;
  const std::int64_t total = std::ssize(x.data) + (y != nullptr ? std::ssize(y->data) : 0);
  copy_array(x, options.threads, table.values.get(), table.columns);
  if (options.progress) options.progress(std::ssize(x.data), total);
  if (y != nullptr) {
    copy_array(*y, options.threads, table.values.get() + x.shape.columns, table.columns);
    if (options.progress) options.progress(total, total);
  }
  return make_dataset(std::move(table), options);
}

struct CloseZip {
  void operator()(zip_t* archive) const { zip_discard(archive); }
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

std::string read_member(zip_t* archive, zip_uint64_t index, const std::string& where,
                        std::uint64_t file_size) {
  zip_stat_t status;
  if (zip_stat_index(archive, index, 0, &status) != 0) fail("{}: {}", where, zip_strerror(archive));
  constexpr std::uint64_t kMaxRatio = 1100;  // deflate cannot do better than 1032
  if (status.size > status.comp_size * kMaxRatio + kMaxRatio || status.comp_size > file_size)
    fail("{}: expected a size that {} bytes can hold, found {} in the directory", where, file_size,
         status.size);
  const std::unique_ptr<zip_file_t, CloseZip> file(zip_fopen_index(archive, index, 0));
  if (!file) fail("{}: {}", where, zip_strerror(archive));
  std::string bytes(status.size, '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const zip_int64_t count = zip_fread(file.get(), bytes.data() + done, bytes.size() - done);
    if (count <= 0)
      fail("{}: damaged: {} after {} of {} bytes", where, zip_file_strerror(file.get()), done, status.size);
    done += static_cast<std::size_t>(count);
  }
  return bytes;
}

}  // namespace

std::string find_labels_beside(const std::string& x_path) {
  const std::filesystem::path path(x_path);
  std::error_code ignored;
  for (const ArrayNames& names : kArrayNames) {
    const auto beside = path.parent_path() / fmt::format("{}.npy", names.y);
    if (path.stem() == names.x && std::filesystem::exists(beside, ignored)) return beside.string();
  }
  const auto beside = path.parent_path() / fmt::format("{}_y.npy", path.stem().string());
  return std::filesystem::exists(beside, ignored) ? beside.string() : std::string();
}

Dataset read_npy(const std::string& x_path, const std::string& y_path, const LoadOptions& options) {
  const MappedFile x_file(x_path);
  const NpyArray x = parse_npy(x_file.bytes(), x_path);
  if (y_path.empty()) return join_arrays(x_path, x, nullptr, options);
  const MappedFile y_file(y_path);
  const NpyArray y = parse_npy(y_file.bytes(), y_path);
  return join_arrays(fmt::format("{},{}", x_path, y_path), x, &y, options);
}

Dataset read_npz(const std::string& path, const LoadOptions& options) {
  const std::uint64_t file_size = MappedFile(path).bytes().size();
  int code = 0;
  const std::unique_ptr<zip_t, CloseZip> archive(zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code));
  if (!archive) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    fail("{}: not a readable .npz archive: {}", path, reason);
  }
  std::vector<std::string> names;
  std::vector<zip_uint64_t> indices;
  for (zip_int64_t i = 0; i < zip_get_num_entries(archive.get(), 0); ++i) {
    const char* name = zip_get_name(archive.get(), static_cast<zip_uint64_t>(i), 0);
    const std::string_view text = name != nullptr ? name : "";
    if (!text.ends_with(".npy")) continue;
    names.emplace_back(text.substr(0, text.size() - 4));
    indices.push_back(static_cast<zip_uint64_t>(i));
  }
  const ChosenArrays chosen = choose_arrays(path, names);
  const auto read = [&](const std::string& name) {
    const auto index = static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
    return read_member(archive.get(), indices[index], fmt::format("{}, array {}", path, name), file_size);
  };
  const std::string x_bytes = read(chosen.x);
  const NpyArray x = parse_npy(x_bytes, fmt::format("{}, array {}", path, chosen.x));
  if (chosen.y.empty()) return join_arrays(path, x, nullptr, options);
  const std::string y_bytes = read(chosen.y);
  const NpyArray y = parse_npy(y_bytes, fmt::format("{}, array {}", path, chosen.y));
  return join_arrays(path, x, &y, options);
}

}  // namespace jsc
