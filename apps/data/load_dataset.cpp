// Which reader a --data argument needs.
#include <algorithm>
#include <string_view>

#include "apps/data/dataset.hpp"
#include "apps/data/emulator.hpp"
#include "apps/data/readers.hpp"
#include "apps/data/table.hpp"
#include "apps/support/mapped_file.hpp"
#include "engine/large_array.hpp"

namespace jsc {

namespace {

// Columns and classes in the order asked for, e.g. a checkpoint's.
Dataset reorder(Dataset&& data, const LoadOptions& options) {
  const std::vector<std::string>& names = data.feature_names;
  RawTable table;
  table.source = data.source;
  table.kind = LabelKind::index;
  table.rows = data.rows;
  table.text_labels = std::move(data.labels);
  table.texts = data.class_names;
  LoadOptions wanted = options;
  if (wanted.feature_names.empty()) wanted.feature_names = names;
  const Columns columns = choose_columns(data.source, names, data.features, {}, wanted);
  table.features = table.columns = std::ssize(columns.features);
  table.values = make_large<float>(table.rows * table.columns);
  for (Index r = 0; r < table.rows; ++r)
    for (Index f = 0; f < table.features; ++f)
      table.values[r * table.columns + f] = data.row(r)[columns.features[static_cast<std::size_t>(f)]];
  for (const Index c : columns.features) table.names.push_back(names[static_cast<std::size_t>(c)]);
  return make_dataset(std::move(table), wanted);
}

Dataset load_emulated(const EmulatedJets& jets, const LoadOptions& options) {
  Dataset data = emulated_dataset(jets.rows, jets.seed, options.threads);
  const bool features_fit = options.feature_names.empty() || options.feature_names == data.feature_names;
  const bool classes_fit = options.class_order.empty() || options.class_order == data.class_names;
  const bool count_fits = options.feature_count == 0 || options.feature_count == data.features;
  return features_fit && classes_fit && count_fits ? std::move(data) : reorder(std::move(data), options);
}

bool has_extension(const std::string& path, std::string_view extension) {
  return std::string_view(path).ends_with(extension);
}

// The first row that is neither empty nor a comment begins with an ARFF keyword.
bool looks_like_arff(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    if (bytes[i] == '@') return true;
    if (bytes[i] == '%')
      i = std::min(bytes.find('\n', i), bytes.size());
    else if (bytes[i] == '\n' || bytes[i] == '\r' || bytes[i] == ' ' || bytes[i] == '\t')
      ++i;
    else
      return false;
  }
  return false;
}

Dataset load_file(const std::string& path, const LoadOptions& options) {
  const MappedFile file(path);
  const std::string_view bytes = file.bytes();
  if (bytes.empty()) fail("{}: expected rows of data, found an empty file", path);
  if (bytes.starts_with("\x89HDF\r\n\x1a\n")) return read_hdf5(path, options);
  if (bytes.starts_with("\x93NUMPY")) return read_npy(path, find_labels_beside(path), options);
  if (bytes.starts_with("PK\x03\x04")) return read_npz(path, options);
  if (looks_like_arff(bytes)) return read_arff(path, options);
  for (const std::string_view extension : {".h5", ".hdf5", ".z", ".npy", ".npz"})
    if (has_extension(path, extension))
      fail("{}: expected the first bytes of a {} file, found another format", path, extension);
  return has_extension(path, ".arff") ? read_arff(path, options) : read_csv(path, options);
}

// X and y of "X.npy,y.npy".
std::optional<std::pair<std::string, std::string>> two_paths(const std::string& spec) {
  const std::size_t comma = spec.find(".npy,");
  if (comma == spec.npos) return std::nullopt;
  return std::pair{spec.substr(0, comma + 4), spec.substr(comma + 5)};
}

}  // namespace

Dataset load_dataset(const std::string& spec, const LoadOptions& options) {
  if (const auto jets = parse_emulated(spec)) return load_emulated(*jets, options);
  if (const auto paths = two_paths(spec)) return read_npy(paths->first, paths->second, options);
  return load_file(spec, options);
}

std::vector<std::string> data_files(const std::string& spec) {
  if (parse_emulated(spec)) return {};
  if (const auto paths = two_paths(spec)) return {paths->first, paths->second};
  const std::string labels = has_extension(spec, ".npy") ? find_labels_beside(spec) : "";
  return labels.empty() ? std::vector{spec} : std::vector{spec, labels};
}

}  // namespace jsc
