#include "apps/data/duplicates.hpp"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <memory>

namespace jsc {

namespace {

// A set of rows of one data set, by content: open addressing, linear probing.
class RowSet {
 public:
  RowSet(const Dataset& data, Index capacity)
      : data_(data), slots_(std::bit_ceil(static_cast<std::size_t>(2 * capacity + 1)), kEmpty) {
    JSC_ASSERT(data.rows < kEmpty);
  }

  bool contains(std::uint32_t row) const { return slots_[find(row)] != kEmpty; }

  // False when an equal row is there already.
  bool insert(std::uint32_t row) {
    std::uint32_t& slot = slots_[find(row)];
    if (slot != kEmpty) return false;
    slot = row;
    return true;
  }

 private:
  static constexpr std::uint32_t kEmpty = std::numeric_limits<std::uint32_t>::max();

  std::size_t bytes() const { return static_cast<std::size_t>(data_.features) * sizeof(float); }
  std::uint64_t label(std::uint32_t row) const {
    return data_.labelled() ? static_cast<std::uint64_t>(data_.labels[row]) : 0;
  }

  // The slot of an equal row, or the empty one where it would go.
  std::size_t find(std::uint32_t row) const {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t slot = XXH3_64bits_withSeed(data_.row(row), bytes(), label(row)) & mask;;
         slot = (slot + 1) & mask) {
      const std::uint32_t other = slots_[slot];
      if (other == kEmpty) return slot;
      if (label(other) == label(row) && std::memcmp(data_.row(other), data_.row(row), bytes()) == 0)
        return slot;
    }
  }

  const Dataset& data_;
  std::vector<std::uint32_t> slots_;
};

struct FreeHash {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

}  // namespace

Index count_duplicates(const Dataset& data) {
  RowSet seen(data, data.rows);
  Index count = 0;
  for (Index r = 0; r < data.rows; ++r) count += seen.insert(static_cast<std::uint32_t>(r)) ? 0 : 1;
  return count;
}

Index remove_duplicates(Dataset& data) {
  RowSet seen(data, data.rows);
  std::vector<Index> firsts;
  for (Index r = 0; r < data.rows; ++r)
    if (seen.insert(static_cast<std::uint32_t>(r))) firsts.push_back(r);
  const Index kept = std::ssize(firsts);
  for (Index i = 0; i < kept; ++i) {
    const Index from = firsts[static_cast<std::size_t>(i)];
    std::copy_n(data.row(from), data.features, data.row(i));
    if (data.labelled())
      data.labels[static_cast<std::size_t>(i)] = data.labels[static_cast<std::size_t>(from)];
  }
  if (data.labelled()) data.labels.resize(static_cast<std::size_t>(kept));
  const Index removed = data.rows - kept;
  data.rows = kept;
  return removed;
}

Index count_shared(const Dataset& data, std::span<const std::uint32_t> rows,
                   std::span<const std::uint32_t> others) {
  RowSet set(data, std::ssize(rows));
  for (const std::uint32_t row : rows) set.insert(row);
  return std::count_if(others.begin(), others.end(), [&](std::uint32_t row) { return set.contains(row); });
}

std::string dataset_hash(const Dataset& data) {
  const std::unique_ptr<XXH3_state_t, FreeHash> state(XXH3_createState());
  if (state == nullptr) throw std::bad_alloc();
  XXH3_128bits_reset(state.get());
  const auto add = [&](const void* bytes, std::size_t size) {
    if (size > 0) XXH3_128bits_update(state.get(), bytes, size);
  };
  const auto add_number = [&](std::uint64_t number) { add(&number, sizeof number); };
  for (const auto* names : {&data.feature_names, &data.class_names}) {
    add_number(names->size());
    for (const std::string& name : *names) {
      add_number(name.size());
      add(name.data(), name.size());
    }
  }
  add_number(static_cast<std::uint64_t>(data.rows));
  add_number(static_cast<std::uint64_t>(data.features));
  add_number(data.labels.size());
  add(data.labels.data(), data.labels.size() * sizeof(std::int32_t));
  add(data.x.get(), static_cast<std::size_t>(data.rows * data.features) * sizeof(float));
  const XXH128_hash_t hash = XXH3_128bits_digest(state.get());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

}  // namespace jsc
