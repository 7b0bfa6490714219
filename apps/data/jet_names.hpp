// The names in jet data sets: what the emulator yields, and what MASE's HDF5 file holds under a prefix j_.
// Beside the emulator, only the HDF5 reader and writer look here.
#pragma once

#include <array>
#include <string_view>

namespace jsc {

inline constexpr int kJetFeatures = 16;
inline constexpr int kJetClasses = 5;

inline constexpr std::array<std::string_view, kJetFeatures> kJetFeatureNames = {
    "zlogz",      "c1_b0_mmdt", "c1_b1_mmdt",    "c1_b2_mmdt",    "c2_b1_mmdt", "c2_b2_mmdt",
    "d2_b1_mmdt", "d2_b2_mmdt", "d2_a1_b1_mmdt", "d2_a1_b2_mmdt", "m2_b1_mmdt", "m2_b2_mmdt",
    "n2_b1_mmdt", "n2_b2_mmdt", "mass_mmdt",     "multiplicity"};

// Gluon, light quark, top, W, Z: the order of the OpenML data set, and of the emulator.
inline constexpr std::array<std::string_view, kJetClasses> kJetClassNames = {"g", "q", "t", "w", "z"};

// MASE's file: an array of compound records, labels one-hot.
inline constexpr const char* kMaseDataset = "t_allpar_new";

}  // namespace jsc
