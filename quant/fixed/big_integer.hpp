// Natural numbers without limit, for reading and writing decimals exactly. Only what number_text.cpp needs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "quant/fixed/wide.hpp"

namespace jsc::fixed {

class BigInteger {
 public:
  BigInteger() = default;
  explicit BigInteger(UWide value);

  bool is_zero() const { return limbs_.empty(); }
  void multiply_add(std::uint32_t factor, std::uint32_t addend);
  void multiply_power(std::uint32_t base, int exponent);  // by base^exponent; base at most 16
  void shift_left(int bits);
  // Floor of the quotient; the result says whether there was a remainder.
  bool divide(std::uint32_t divisor);
  bool divide_power_of_ten(int exponent);
  bool shift_right(int bits);

  void add(const BigInteger& other);
  void subtract(const BigInteger& smaller);
  int compare(const BigInteger& other) const;

  UWide low_bits() const;  // modulo 2^128
  int bit_length() const;
  std::string to_decimal() const;

 private:
  void trim();
  std::uint32_t divide_with_remainder(std::uint32_t divisor);

  std::vector<std::uint32_t> limbs_;  // least significant first, no zero at the end
};

}  // namespace jsc::fixed
