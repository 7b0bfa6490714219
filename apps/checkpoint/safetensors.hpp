// The safetensors container (huggingface/safetensors, README "Format"): 8 bytes little-endian N, N bytes of
// JSON header, then the tensors' bytes. The header maps each name to {dtype, shape, data_offsets} and
// "__metadata__" to a map of strings. Everything is checked before anything is allocated from what a header
// says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace jsc {

enum class Dtype { f32, f64, i8, i16, i32, i64, u8 };

struct DtypeInfo {
  const char* name;  // as safetensors writes it: "F32"
  std::size_t size;
};
DtypeInfo dtype_info(Dtype dtype);

struct StoredTensor {
  Dtype dtype = Dtype::f32;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;  // row-major, little-endian

  std::int64_t element_count() const;

  template <class T>
  static StoredTensor of(Dtype dtype, std::vector<std::int64_t> shape, std::span<const T> values) {
    const auto raw = std::as_bytes(values);
    return {dtype, std::move(shape), {raw.begin(), raw.end()}};
  }
  // The elements, copied out. T must have the dtype's size.
  template <class T>
  std::vector<T> values() const {
    std::vector<T> out(bytes.size() / sizeof(T));
    std::memcpy(out.data(), bytes.data(), out.size() * sizeof(T));
    return out;
  }
};

struct TensorFile {
  std::map<std::string, std::string> metadata;
  std::map<std::string, StoredTensor> tensors;
};

// Throws Error naming the file and what is wrong with it: missing, truncated, not safetensors, offsets that
// overlap, leave holes or run past the end, unknown dtype, shape that does not match the bytes, and content
// that is not what its content_hash (content_hash.hpp) says, if it has one.
TensorFile read_safetensors(const std::string& path);

// Adds the content_hash. Writes a temporary file, flushes and renames. Throws Error with the system's reason.
void write_safetensors(const std::string& path, TensorFile file);

}  // namespace jsc
