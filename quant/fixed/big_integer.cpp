#include "quant/fixed/big_integer.hpp"

#include <algorithm>
#include <cassert>

namespace jsc::fixed {

BigInteger::BigInteger(UWide value) {
  for (; value != 0; value >>= 32) limbs_.push_back(static_cast<std::uint32_t>(value));
}

void BigInteger::trim() {
  while (!limbs_.empty() && limbs_.back() == 0) limbs_.pop_back();
}

void BigInteger::multiply_add(std::uint32_t factor, std::uint32_t addend) {
  std::uint64_t carry = addend;
  for (std::uint32_t& limb : limbs_) {
    carry += std::uint64_t{limb} * factor;
    limb = static_cast<std::uint32_t>(carry);
    carry >>= 32;
  }
  if (carry != 0) limbs_.push_back(static_cast<std::uint32_t>(carry));
  trim();
}

void BigInteger::multiply_power(std::uint32_t base, int exponent) {
  for (; exponent >= 7; exponent -= 7) {  // 16^7 fits a limb
    std::uint32_t factor = 1;
    for (int i = 0; i < 7; ++i) factor *= base;
    multiply_add(factor, 0);
  }
  for (; exponent > 0; --exponent) multiply_add(base, 0);
}

void BigInteger::shift_left(int bits) {
  if (is_zero()) return;
  multiply_add(std::uint32_t{1} << (bits % 32), 0);
  limbs_.insert(limbs_.begin(), static_cast<std::size_t>(bits / 32), 0);
}

std::uint32_t BigInteger::divide_with_remainder(std::uint32_t divisor) {
  std::uint64_t rest = 0;
  for (std::size_t i = limbs_.size(); i-- > 0;) {
    rest = rest << 32 | limbs_[i];
    limbs_[i] = static_cast<std::uint32_t>(rest / divisor);
    rest %= divisor;
  }
  trim();
  return static_cast<std::uint32_t>(rest);
}

bool BigInteger::divide(std::uint32_t divisor) {
  return divide_with_remainder(divisor) != 0;
}

// Floors of floors are the floor of the whole.
bool BigInteger::divide_power_of_ten(int exponent) {
  bool inexact = false;
  for (; exponent >= 9 && !is_zero(); exponent -= 9) inexact |= divide(1'000'000'000);
  for (; exponent > 0 && !is_zero(); --exponent) inexact |= divide(10);
  return inexact;
}

bool BigInteger::shift_right(int bits) {
  bool inexact = false;
  const auto whole = std::min(limbs_.size(), static_cast<std::size_t>(bits / 32));
  for (std::size_t i = 0; i < whole; ++i) inexact |= limbs_[i] != 0;
  limbs_.erase(limbs_.begin(), limbs_.begin() + static_cast<std::ptrdiff_t>(whole));
  return divide(std::uint32_t{1} << (bits % 32)) || inexact;
}

void BigInteger::add(const BigInteger& other) {
  limbs_.resize(std::max(limbs_.size(), other.limbs_.size()) + 1);
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < limbs_.size(); ++i) {
    carry += std::uint64_t{limbs_[i]} + (i < other.limbs_.size() ? other.limbs_[i] : 0);
    limbs_[i] = static_cast<std::uint32_t>(carry);
    carry >>= 32;
  }
  trim();
}

void BigInteger::subtract(const BigInteger& smaller) {
  assert(compare(smaller) >= 0);
  std::int64_t borrow = 0;
  for (std::size_t i = 0; i < limbs_.size(); ++i) {
    borrow += std::int64_t{limbs_[i]} - (i < smaller.limbs_.size() ? smaller.limbs_[i] : 0);
    limbs_[i] = static_cast<std::uint32_t>(borrow);
    borrow >>= 32;
  }
  trim();
}

int BigInteger::compare(const BigInteger& other) const {
  if (limbs_.size() != other.limbs_.size()) return limbs_.size() < other.limbs_.size() ? -1 : 1;
  for (std::size_t i = limbs_.size(); i-- > 0;)
    if (limbs_[i] != other.limbs_[i]) return limbs_[i] < other.limbs_[i] ? -1 : 1;
  return 0;
}

UWide BigInteger::low_bits() const {
  UWide low = 0;
  for (std::size_t i = std::min<std::size_t>(limbs_.size(), 4); i-- > 0;) low = low << 32 | limbs_[i];
  return low;
}

int BigInteger::bit_length() const {
  return is_zero() ? 0 : static_cast<int>(limbs_.size() - 1) * 32 + fixed::bit_length(limbs_.back());
}

std::string BigInteger::to_decimal() const {
  if (is_zero()) return "0";
  BigInteger rest = *this;
  std::string reversed;
  while (!rest.is_zero()) {
    std::uint32_t digits = rest.divide_with_remainder(1'000'000'000);
    for (int i = 0; i < 9; ++i, digits /= 10) reversed += static_cast<char>('0' + digits % 10);
  }
  reversed.erase(reversed.find_last_not_of('0') + 1);
  return {reversed.rbegin(), reversed.rend()};
}

}  // namespace jsc::fixed
