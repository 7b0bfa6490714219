// SystemC's fixed-point types behind plain functions. Debian's library is built for C++17 and refuses to link
// with C++20, so its user is a file of its own, and this header is C++17 without any of our types.
#pragma once

#include <cstddef>
#include <cstdint>

namespace systemc_oracle {

// The modes in the order of quant/fixed's enums; SystemC has the roundings RND, RND_ZERO, RND_MIN_INF,
// RND_INF, RND_CONV (0 to 4), TRN and TRN_ZERO (6 and 7), and all five overflows.
struct Format {
  int width, integer;
  bool is_signed;
  int rounding, overflow, saturated_bits;
};

constexpr int kRoundings[] = {0, 1, 2, 3, 4, 6, 7};

// results[i] = raw value of values[i] · 2^-fraction in the format; |values| < 2^53.
void cast(const std::int64_t* values, std::size_t count, int fraction, const Format& to,
          std::int64_t* results);

enum class Operation { add, subtract, multiply, negate };

// A raw value of up to 128 bits: high · 2^80 + middle · 2^40 + low.
struct Raw {
  std::int64_t high, middle, low;
};

// equal[i]: whether SystemC's exact result of the operation is result · 2^-fraction.
void same_result(Operation operation, const std::int64_t* a, int a_fraction, const std::int64_t* b,
                 int b_fraction, std::size_t count, const Raw* results, int fraction, bool* equal);

// SystemC's quotients truncated toward zero to a format of at most 53 bits.
void divide(const std::int64_t* a, int a_fraction, const std::int64_t* b, int b_fraction, std::size_t count,
            const Format& to, std::int64_t* results);

// bias + weights[0] · x[0] + weights[1] · x[1] + ... as a raw value at `fraction`: exactly, or with an
// accumulator each product is assigned to one and added to another (hls4ml's nnet_dense).
struct Sum {
  const std::int64_t *weights, *x;
  std::size_t terms;
  std::int64_t bias;
  int weight_fraction, x_fraction, bias_fraction, fraction;
};
std::int64_t sum_of_products(const Sum& sum, const Format* accumulator);

// -1, 0, 1.
void compare(const std::int64_t* a, int a_fraction, const std::int64_t* b, int b_fraction, std::size_t count,
             int* results);

}  // namespace systemc_oracle
