#include "apps/checkpoint/safetensors.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "apps/checkpoint/content_hash.hpp"
#include "apps/support/atomic_file.hpp"
#include "engine/error.hpp"

namespace jsc {

namespace {

using Json = nlohmann::json;

constexpr DtypeInfo kDtypes[] = {{"F32", 4}, {"F64", 8}, {"I8", 1}, {"I16", 2},
                                 {"I32", 4}, {"I64", 8}, {"U8", 1}};
constexpr std::uint64_t kMaxDimension = std::uint64_t{1}
                                        << 31;  // of a tensor without elements, where its bytes are no bound
constexpr std::uint64_t kMaxHeader = 100'000'000;  // the limit of the format's own reader

// One tensor's place in the file.
struct Entry {
  std::string name;
  Dtype dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t begin, end;
};

Dtype dtype_of(const std::string& path, const std::string& tensor, const std::string& name) {
  for (std::size_t i = 0; i < std::size(kDtypes); ++i)
    if (name == kDtypes[i].name) return static_cast<Dtype>(i);
  fail("{}: tensor '{}': unknown dtype '{}'", path, tensor, name);
}

Entry read_entry(const std::string& path, const std::string& name, const Json& json,
                 std::uint64_t data_size) {
  const auto wrong = [&](const char* what) { fail("{}: tensor '{}': {}", path, name, what); };
  if (!json.is_object() || !json.contains("dtype") || !json["dtype"].is_string() || !json.contains("shape") ||
      !json["shape"].is_array() || !json.contains("data_offsets") || !json["data_offsets"].is_array() ||
      json["data_offsets"].size() != 2)
    wrong("the header entry should have dtype, shape and two data_offsets");
  Entry entry{name, dtype_of(path, name, json["dtype"].get<std::string>()), {}, 0, 0};
  std::uint64_t bytes = dtype_info(entry.dtype).size;
  for (const Json& dimension : json["shape"]) {
    if (!dimension.is_number_unsigned()) wrong("a dimension is not a non-negative integer");
    const auto n = dimension.get<std::uint64_t>();
    if (n > kMaxDimension || (n != 0 && bytes > data_size / n))
      wrong("the shape needs more bytes than the file has");
    bytes *= n;
    entry.shape.push_back(static_cast<std::int64_t>(n));
  }
  for (const Json& offset : json["data_offsets"])
    if (!offset.is_number_unsigned()) wrong("an offset is not a non-negative integer");
  entry.begin = json["data_offsets"][0].get<std::uint64_t>();
  entry.end = json["data_offsets"][1].get<std::uint64_t>();
  if (entry.begin > entry.end || entry.end > data_size) wrong("its bytes lie outside the file (truncated?)");
  if (entry.end - entry.begin != bytes)
    fail("{}: tensor '{}': expected {} bytes for its shape, found {}", path, name, bytes,
         entry.end - entry.begin);
  return entry;
}

// Text as it can stand in the header: JSON is UTF-8, and a model called after its file need not be.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void check_content(const std::string& path, const TensorFile& file) {
  const auto expected = file.metadata.find(kContentHash);
  if (expected == file.metadata.end()) return;
  const std::string found = content_hash(file);
  if (found != expected->second)
    fail("{}: damaged: its content does not match its hash (expected {}, found {})", path, expected->second,
         found);
}

}  // namespace

DtypeInfo dtype_info(Dtype dtype) {
  return kDtypes[static_cast<std::size_t>(dtype)];
}

std::int64_t StoredTensor::element_count() const {
  std::int64_t count = 1;
  for (std::int64_t n : shape) count *= n;
  return count;
}

TensorFile read_safetensors(const std::string& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) fail("{}: cannot open: {}", path, std::strerror(errno));
  const auto end = in.tellg();
  if (end < 0 || end == std::numeric_limits<std::streamoff>::max()) fail("{}: not a regular file", path);
  const auto file_size = static_cast<std::uint64_t>(end);
  in.seekg(0);

  std::uint64_t header_size = 0;
  if (file_size < 8 || !in.read(reinterpret_cast<char*>(&header_size), 8))
    fail("{}: not a safetensors file: expected at least 8 bytes, found {}", path, file_size);
  if (header_size > std::min(file_size - 8, kMaxHeader))
    fail("{}: not a safetensors file, or truncated: its header should be {} bytes and {} follow", path,
         header_size, file_size - 8);
  std::string header(header_size, '\0');
  if (!in.read(header.data(), static_cast<std::streamsize>(header_size)))
    fail("{}: cannot read the header", path);
  // The parser would take a NUL for the end.
  const Json json = Json::parse(header, nullptr, false);
  if (header.find('\0') != header.npos || !json.is_object())
    fail("{}: not a safetensors file: its header is not a JSON object", path);

  const std::uint64_t data_size = file_size - 8 - header_size;
  TensorFile file;
  std::vector<Entry> entries;
  for (const auto& [name, value] : json.items()) {
    if (name != "__metadata__") {
      entries.push_back(read_entry(path, name, value, data_size));
      continue;
    }
    if (!value.is_object()) fail("{}: __metadata__ should map strings to strings", path);
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) fail("{}: __metadata__ '{}' should be a string", path, key);
      file.metadata[key] = text.get<std::string>();
    }
  }

  std::ranges::sort(entries, {}, [](const Entry& e) { return std::pair(e.begin, e.end); });
  std::uint64_t position = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != position)
      fail("{}: tensor '{}': its bytes overlap another's or leave a hole", path, entry.name);
    position = entry.end;
  }
  if (position != data_size) fail("{}: expected {} bytes of tensors, found {}", path, position, data_size);

  for (const Entry& entry : entries) {
    StoredTensor tensor{entry.dtype, entry.shape, std::vector<std::byte>(entry.end - entry.begin)};
    if (!in.read(reinterpret_cast<char*>(tensor.bytes.data()),
                 static_cast<std::streamsize>(tensor.bytes.size())))
      fail("{}: tensor '{}': cannot read its bytes", path, entry.name);
    file.tensors.emplace(entry.name, std::move(tensor));
  }
  check_content(path, file);
  return file;
}

void write_safetensors(const std::string& path, TensorFile file) {
  file.metadata = Json::parse(dump(file.metadata)).get<std::map<std::string, std::string>>();
  file.metadata[kContentHash] = content_hash(file);
  Json header = Json::object();
  header["__metadata__"] = file.metadata;
  std::uint64_t offset = 0;
  for (const auto& [name, tensor] : file.tensors) {
    header[name] = {{"dtype", dtype_info(tensor.dtype).name},
                    {"shape", tensor.shape},
                    {"data_offsets", {offset, offset + tensor.bytes.size()}}};
    offset += tensor.bytes.size();
  }
  std::string text = dump(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');  // so that the tensors start aligned
  const std::uint64_t size = text.size();

  AtomicFile out(path);
  out.write(&size, sizeof size);
  out.write(text.data(), text.size());
  for (const auto& [name, tensor] : file.tensors) out.write(tensor.bytes.data(), tensor.bytes.size());
  out.commit();
}

}  // namespace jsc
