#include "graph/state_dict.hpp"

#include <xxhash.h>

#include <algorithm>

namespace jsc {

std::vector<StateEntry> state_dict(const Graph& graph) {
  std::vector<StateEntry> entries;
  for (const auto& [path, module] : graph.modules) {
    for (Parameter& p : module->parameters())
      entries.push_back({path + "." + p.name, p.shape, p.rows() * p.cols(), p.value.data, true});
    for (Buffer& b : module->buffers()) {
      StateEntry entry{path + "." + b.name, b.shape, 1, {}, false};
      if (auto* values = std::get_if<std::vector<float>>(&b.value)) {
        entry.size = static_cast<Index>(values->size());
        entry.data = values->data();
      } else {
        entry.data = &std::get<std::int64_t>(b.value);
      }
      entries.push_back(std::move(entry));
    }
  }
  return entries;
}

std::string state_hash(const Graph& graph) {
  XXH3_state_t* state = XXH3_createState();
  XXH3_64bits_reset(state);
  for (const StateEntry& entry : state_dict(graph)) {
    XXH3_64bits_update(state, entry.name.data(), entry.name.size());
    XXH3_64bits_update(state, entry.shape.data(), entry.shape.size() * sizeof(Index));
    std::visit(
        [&](auto* data) {
          XXH3_64bits_update(state, data, static_cast<std::size_t>(entry.size) * sizeof *data);
        },
        entry.data);
  }
  const XXH64_hash_t hash = XXH3_64bits_digest(state);
  XXH3_freeState(state);
  return fmt::format("{:016x}", hash);
}

void copy_state(const Graph& from, const Graph& to) {
  const std::vector<StateEntry> source = state_dict(from);
  for (const StateEntry& entry : state_dict(to)) {
    const auto found = std::ranges::find(source, entry.name, &StateEntry::name);
    if (found == source.end() || found->shape != entry.shape)
      fail("graph: expected a tensor '{}' of the same shape in both networks", entry.name);
    if (const float* const* values = std::get_if<float*>(&found->data))
      std::copy_n(*values, entry.size, std::get<float*>(entry.data));
    else
      *std::get<std::int64_t*>(entry.data) = *std::get<std::int64_t*>(found->data);
  }
}

}  // namespace jsc
