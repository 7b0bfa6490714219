#include "graph/statistics/box.hpp"

#include <array>
#include <cmath>

#include "engine/threads.hpp"

namespace jsc {

namespace {

// A box is drawn in powers of two: counts in buckets of 2^-8 are good enough for it, and small.
constexpr Index kExactBox = Index{1} << 16;

}  // namespace

BoxAccumulator::BoxAccumulator(const SampleLayout& layout)
    : magnitudes_(layout.samples <= kExactBox / layout.elements()) {}

void BoxAccumulator::add(ConstMatrix block) {
  std::array<float, kSampleBlock> magnitudes;
  for (Index row = 0; row < block.rows; ++row)
    for (Index begin = 0; begin < block.cols; begin += kSampleBlock) {
      const Index n = std::min(kSampleBlock, block.cols - begin);
      for (Index i = 0; i < n; ++i)
        magnitudes[static_cast<std::size_t>(i)] = std::fabs(block.row(row)[begin + i]);
      magnitudes_.add(magnitudes.data(), n);
    }
}

void BoxAccumulator::merge(const Accumulator& later) {
  magnitudes_.merge(static_cast<const BoxAccumulator&>(later).magnitudes_);
}

TensorBox BoxAccumulator::box(std::string name) const {
  TensorBox box;
  box.name = std::move(name);
  box.count = magnitudes_.count;
  const std::int64_t zeros = magnitudes_.zeros();
  if (box.count > 0) box.zero_share = static_cast<double>(zeros) / static_cast<double>(box.count);
  if (zeros == box.count) return box;

  constexpr double kFiveNumbers[] = {0, 0.25, 0.5, 0.75, 1};
  const std::vector<double> numbers = magnitudes_.quantiles(kFiveNumbers, zeros);
  box.min = numbers[0];
  box.q1 = numbers[1];
  box.median = numbers[2];
  box.q3 = numbers[3];
  box.max = numbers[4];

  box.first_octave = std::ilogb(box.min);
  const int last = std::ilogb(box.max);
  box.octaves.resize(static_cast<std::size_t>(last - box.first_octave) + 1);
  magnitudes_.for_each([&](float value, std::int64_t n) {
    if (value == 0.0F) return;
    const int octave = std::clamp(std::ilogb(value), box.first_octave, last);
    box.octaves[static_cast<std::size_t>(octave - box.first_octave)] += n;
  });
  return box;
}

}  // namespace jsc
