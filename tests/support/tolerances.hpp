// Every tolerance on floats that the tests of training use, with its reason. Integers, and kernels against
// their plain loops, compare exactly.
#pragma once

namespace jsc::tolerance {

// Relative error of sigmoid and tanh against libm in double: exp is within 1.1 units of 2^-24
// (engine/math.hpp), then one addition and one division round by half a unit each.
inline constexpr double kSigmoid = 3.0 * 0x1p-24;
inline constexpr double kTanh = 3.0 * 0x1p-24;

// Gradients in float32 against central differences of a double reference: the differences are good to about
// h² = 1e-8 (h = 1e-4, in double), so what is left is float32 rounding, some 2^-24 times the square root of
// the terms of a sum, grown by two or three layers. Relative to the largest gradient of the variable.
inline constexpr double kGradient = 2e-5;

// Golden trajectories: two float32 implementations that round in different orders drift apart, by about 1e-7
// a step, and 200 steps of training carry it on. Absolute, on losses of 0.1 to 2 and values of about 1.
// Largest deviations measured over the nine runs: 3.6e-7 of a loss, 1.7e-6 of a value; the limits are three
// times that. Every formula broken on purpose exceeds them (test_golden.cpp).
inline constexpr double kGoldenLoss = 1.2e-6;
inline constexpr double kGoldenValue = 5e-6;

}  // namespace jsc::tolerance
