#include "apps/checkpoint/content_hash.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <string_view>

namespace jsc {

std::string content_hash(const TensorFile& file) {
  XXH3_state_t* state = XXH3_createState();
  XXH3_64bits_reset(state);
  const auto add = [&](const void* bytes, std::size_t size) {
    const auto length = static_cast<std::uint64_t>(size);
    XXH3_64bits_update(state, &length, sizeof length);
    XXH3_64bits_update(state, bytes, size);
  };
  const auto add_text = [&](std::string_view text) { add(text.data(), text.size()); };
  for (const auto& [key, text] : file.metadata) {
    if (key == kContentHash) continue;
    add_text(key);
    add_text(text);
  }
  for (const auto& [name, tensor] : file.tensors) {
    add_text(name);
    add_text(dtype_info(tensor.dtype).name);
    add(tensor.bytes.data(), tensor.bytes.size());
  }
  const XXH64_hash_t hash = XXH3_64bits_digest(state);
  XXH3_freeState(state);
  return fmt::format("{:016x}", hash);
}

}  // namespace jsc
