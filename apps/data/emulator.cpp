// The arithmetic is single IEEE additions and multiplications in a fixed order, without libm: the same bits
// whatever the compiler makes of the loops, which run over the 16 features of a jet.
#include "apps/data/emulator.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "apps/data/emulator_parameters.hpp"
#include "engine/large_array.hpp"
#include "engine/random.hpp"
#include "engine/threads.hpp"

namespace jsc {

namespace {

constexpr std::uint64_t kNormalStream = 0x6a65742d6e6f726d;     // "jet-norm"
constexpr std::uint64_t kComponentStream = 0x6a65742d636f6d70;  // "jet-comp"
constexpr int kBuckets = 256;  // narrower than the distance of two levels, so a bucket holds one at most
constexpr int kCopiedFrom = 6, kCopiedTo = 8;  // d2_b1_mmdt, d2_a1_b1_mmdt
constexpr int kRounded = 15;                   // multiplicity

struct Component {
  float mean[kJetFeatures];
  float columns[kJetFeatures][kJetFeatures];  // of the Cholesky factor, zeros above the diagonal
};

// The parameters, arranged for the loops.
struct Tables {
  float threshold[kJetClasses][kEmulatorComponents - 1];  // cumulative weights, without the last
  Component component[kJetClasses][kEmulatorComponents];
  float level[kEmulatorLevels];
  float value[kEmulatorLevels][kJetFeatures];  // the quantiles as features, not standardised
  float slope[kEmulatorLevels][kJetFeatures];  // from this level to the next; 0 in the last
  int interval[kBuckets + 1];                  // last level not above the bucket's begin (0 before the first)
};

Tables make_tables() {
  Tables t = {};
  for (int c = 0; c < kJetClasses; ++c) {
    float sum = 0;
    for (int m = 0; m < kEmulatorComponents; ++m) {
      const EmulatorComponent& from = kEmulatorComponent[c][m];
      sum += from.weight;
      if (m + 1 < kEmulatorComponents) t.threshold[c][m] = sum;
      const float* entry = from.cholesky;
      for (int r = 0; r < kJetFeatures; ++r) {
        t.component[c][m].mean[r] = from.mean[r];
        for (int k = 0; k <= r; ++k) t.component[c][m].columns[k][r] = *entry++;
      }
    }
  }
  for (int l = 0; l < kEmulatorLevels; ++l) t.level[l] = static_cast<float>(kEmulatorLevel[l]);
  for (int f = 0; f < kJetFeatures; ++f) {
    for (int l = 0; l < kEmulatorLevels; ++l)
      t.value[l][f] = static_cast<float>(kEmulatorMean[f] + kEmulatorScale[f] * kEmulatorQuantile[f][l]);
    for (int l = 0; l + 1 < kEmulatorLevels; ++l)
      t.slope[l][f] =
          static_cast<float>(kEmulatorScale[f] * (kEmulatorQuantile[f][l + 1] - kEmulatorQuantile[f][l]) /
                             (kEmulatorLevel[l + 1] - kEmulatorLevel[l]));
  }
  for (int bucket = 0, l = 0; bucket <= kBuckets; ++bucket) {
    while (l + 1 < kEmulatorLevels && t.level[l + 1] <= static_cast<float>(bucket) / kBuckets) ++l;
    t.interval[bucket] = l;
  }
  return t;
}

int pick_component(const float* threshold, float uniform) {
  int m = 0;
  while (m + 1 < kEmulatorComponents && uniform >= threshold[m]) ++m;
  return m;
}

void make_jet(const Tables& t, const Component& component, const float* normals, float* jet) {
  float u[kJetFeatures];
  float p[kJetFeatures];
  std::copy_n(component.mean, kJetFeatures, u);
  for (int k = 0; k < kJetFeatures; ++k)
    for (int f = 0; f < kJetFeatures; ++f) u[f] = u[f] + component.columns[k][f] * normals[k];
  for (int f = 0; f < kJetFeatures; ++f) {
    const float clamped = std::max(-kPhiLimit, std::min(kPhiLimit, u[f]));
    const float square = clamped * clamped;
    float sum = kPhiPolynomial[kPhiTerms - 1];
    for (int k = kPhiTerms - 2; k >= 0; --k) sum = sum * square + kPhiPolynomial[k];
    p[f] = std::max(t.level[0], std::min(t.level[kEmulatorLevels - 1], 0.5F + clamped * sum));
  }
  for (int f = 0; f < kJetFeatures; ++f) {
    int l = t.interval[static_cast<int>(p[f] * kBuckets)];
    if (l + 1 < kEmulatorLevels && p[f] >= t.level[l + 1]) ++l;
    jet[f] = t.value[l][f] + t.slope[l][f] * (p[f] - t.level[l]);
  }
  jet[kCopiedTo] = jet[kCopiedFrom];
  jet[kRounded] = std::nearbyint(jet[kRounded]);
}

template <class Number>
Number parse_number(std::string_view text, std::string_view spec) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty())
    fail("data set '{}': expected emulated[:ROWS[:SEED]], found '{}'", spec, text);
  return value;
}

}  // namespace

std::optional<EmulatedJets> parse_emulated(std::string_view spec) {
  constexpr std::string_view kName = "emulated";
  EmulatedJets jets;
  if (spec == kName) return jets;
  if (!spec.starts_with(kName) || spec[kName.size()] != ':') return {};
  const std::string_view numbers = spec.substr(kName.size() + 1);
  const std::size_t colon = numbers.find(':');
  jets.rows = parse_number<Index>(numbers.substr(0, colon), spec);
  if (colon != numbers.npos) jets.seed = parse_number<std::uint64_t>(numbers.substr(colon + 1), spec);
  return jets;
}

void emulate_jets(std::uint64_t seed, std::int64_t first, Index rows, int threads, float* x,
                  std::int32_t* labels) {
  static const Tables tables = make_tables();
  for_each_block(threads, rows, [&](Index, Index begin, Index end) {
    alignas(kAlignment) std::array<float, kSampleBlock * kJetFeatures> normals;
    alignas(kAlignment) std::array<float, kSampleBlock> uniforms;
    const std::uint64_t jet = static_cast<std::uint64_t>(first + begin);
    fill_normal({seed, kNormalStream}, jet * kJetFeatures, normals.data(), (end - begin) * kJetFeatures);
    fill_uniform({seed, kComponentStream}, jet, 0, 1, uniforms.data(), end - begin);
    for (Index i = begin; i < end; ++i) {
      const int label = static_cast<int>((first + i) % kJetClasses);
      const int m = pick_component(tables.threshold[label], uniforms[i - begin]);
      make_jet(tables, tables.component[label][m], &normals[(i - begin) * kJetFeatures],
               x + i * kJetFeatures);
      labels[i] = label;
    }
  });
}

Dataset emulated_dataset(Index rows, std::uint64_t seed, int threads) {
  if (rows < 1 || rows > std::numeric_limits<std::uint32_t>::max())
    fail("emulated data: expected between 1 and 4294967295 rows, found {}", rows);
  Dataset data;
  data.feature_names.assign(kJetFeatureNames.begin(), kJetFeatureNames.end());
  data.class_names.assign(kJetClassNames.begin(), kJetClassNames.end());
  data.rows = rows;
  data.features = kJetFeatures;
  data.x = make_large<float>(rows * kJetFeatures);
  data.labels.resize(static_cast<std::size_t>(rows));
  emulate_jets(seed, 0, rows, threads, data.x.get(), data.labels.data());
  data.source = fmt::format("emulated:{}:{}", rows, seed);
  return data;
}

}  // namespace jsc
