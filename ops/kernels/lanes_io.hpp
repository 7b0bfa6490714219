// How the kernels of ops walk over n floats: whole groups of 16 lanes, then one partial group whose loads
// fill the missing lanes with zeros and whose stores leave the floats behind n alone.
//
// Every kernel is a template over `L`, which each ops_kernels_*.cpp defines from the lanes of its ISA:
//   struct Lanes { using F32 = F32x16; using I32 = I32x16; using Mask = Mask16; using Divisor = Divisor;
//                  using Total = Total;
//                  static Mask first(int n); ... };
// L is a type of that one file, so no instance made with AVX-512 flags can be picked by the linker elsewhere.
#pragma once

#include <cstdint>
#include <cstring>

#include "engine/tensor.hpp"

namespace jsc::ops_kernels_detail {

template <class L>
struct WholeGroup {
  using F32 = typename L::F32;
  using I32 = typename L::I32;
  typename L::Mask mask() const { return L::first(16); }
  F32 load(const float* p) const { return F32::load(p); }
  I32 load(const std::int32_t* p) const { return I32::load(p); }
  void store(float* p, F32 v) const { v.store(p); }
  F32 only(F32 v) const { return v; }
};

template <class L>
struct PartialGroup {
  using F32 = typename L::F32;
  using I32 = typename L::I32;
  int n;  // 1..15
  std::size_t bytes() const { return static_cast<std::size_t>(n) * 4; }
  typename L::Mask mask() const { return L::first(n); }
  F32 load(const float* p) const { return F32::load_first(p, n); }
  I32 load(const std::int32_t* p) const {
    alignas(64) std::int32_t lanes[16] = {};
    std::memcpy(lanes, p, bytes());
    return I32::load(lanes);
  }
  void store(float* p, F32 v) const { v.store_first(p, n); }
  // v in the lanes that exist, 0 elsewhere: what a reduction may add.
  F32 only(F32 v) const { return select(mask(), v, F32::zero()); }
};

// Calls visit(i, group) for the groups that start at i = 0, 16, 32, ... below n.
template <class L, class Visit>
inline void for_each_group(Index n, const Visit& visit) {
  Index i = 0;
  for (; i + kLanes <= n; i += kLanes) visit(i, WholeGroup<L>{});
  if (i < n) visit(i, PartialGroup<L>{static_cast<int>(n - i)});
}

// Writes a contribution to a gradient, or adds it to what is there.
template <class L, class Group>
inline void deliver(const Group& group, float* d, typename L::F32 share, bool accumulate) {
  group.store(d, accumulate ? group.load(d) + share : share);
}

}  // namespace jsc::ops_kernels_detail
